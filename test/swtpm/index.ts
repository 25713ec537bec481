export * from "./break-tpm.ts";
export { authorityFiles, manufactureTpm } from "./manufacture.ts";
export { shareAuthority, startSwtpm } from "./swtpm.ts";
export type { Swtpm, SwtpmOptions } from "./swtpm.ts";
export { TPM_CC, failWith, startTpmProxy, withoutRsa } from "./tpm-proxy.ts";
export type { Tampering, TpmProxy } from "./tpm-proxy.ts";
