/** The machine endpoint and its listeners. */
export { SESSION_ERRORS, SessionError } from "./errors.ts";
export type { SessionErrorCode } from "./errors.ts";
export { listenForHealth } from "./io/health-listener.ts";
export { listenForMachines } from "./io/machine-listener.ts";
export type { MachineListener, TlsMaterial } from "./io/machine-listener.ts";
export { ensureServingIdentity } from "./io/serving-certificate-secret.ts";
export type { ListenAddress } from "./listen-address.ts";
export type { Decide, Decision } from "./decision.ts";
export { createMachineEndpoint } from "./machine-endpoint.ts";
export type { MachineEndpoint } from "./machine-endpoint.ts";
export { createFailedChallenges } from "./failed-challenges.ts";
export { servingNames } from "./serving-names.ts";
export type { RolloutDesk } from "./rollout-desk.ts";
export { createProtocolEndpoint } from "./protocol-endpoint.ts";
export type { ProtocolEndpoint } from "./protocol-endpoint.ts";
export { createSessionGate } from "./session-gate.ts";
export { tlsChannel } from "./tls-channel.ts";
