/** The name that the operating system gives this machine. */
export { hostname } from "node:os";
