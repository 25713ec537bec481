/** Rancher around the operator, where there is one: its settings and its clusters' tokens. */
export { rancherClusterTokens } from "./io/cluster-registration-token.ts";
export { watchRancherSettings } from "./io/watch-rancher-settings.ts";
export { baseAddress } from "./base-address.ts";
export { defaultRegistry } from "./default-registry.ts";
export { serverAddress } from "./server-address.ts";
export type { RancherSettings, ServerAddress } from "./server-address.ts";
