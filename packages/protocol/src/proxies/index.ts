/** Which proxy leads to a server: both programs read the usual variables alike. */
export { chooseProxy, hasSoundAccount } from "./choose-proxy.ts";
export type { ProxyChoice, ProxyEnvironment } from "./choose-proxy.ts";
