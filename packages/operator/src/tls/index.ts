/** The operator's own TLS: its CA, what that signs, and how both are changed while machines go on. */
export { certificateEndMs, hasNotBegun } from "./certificates.ts";
export { trustBundle } from "./identity.ts";
export type { IdentityStep, TlsIdentity } from "./identity.ts";
export { ensureIdentity, waitForHolder } from "./io/identity-secret.ts";
export type { HeldIdentity, IdentityWants } from "./io/identity-secret.ts";
export { publishTrustBundle } from "./io/trust-bundle.ts";
export { pemBlocks } from "./pem-blocks.ts";
export type { PemBlock } from "./pem-blocks.ts";
export { servingNames } from "./serving-names.ts";
export { tlsChannel } from "./tls-channel.ts";
