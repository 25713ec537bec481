/** Booting from the network: a script for iPXE, and kernel, initrd and squashfs out of a registry. */
export { createBootDesk } from "./boot-desk.ts";
export type { BootAnswer, BootDesk, BootParts, BootRequest } from "./boot-desk.ts";
export { isBootPath } from "./boot-route.ts";
export { BOOT_ERRORS, BootError } from "./errors.ts";
export { mediaFinder } from "./media-finder.ts";
export { SLOWEST_BYTES_PER_MS } from "./transfers.ts";
