export { createGrowingBytes } from "./growing-bytes.ts";
export type { GrowingBytes } from "./growing-bytes.ts";
