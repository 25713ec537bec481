/** Requests of plain HTTP and HTTPS, as registration, the node's API client and the pull of images make them. */
export { answerTo, StaleConnection } from "./io/answer-to.ts";
export { isProxyError, trustProxy } from "./io/proxy-tls.ts";
export { TunnelAgent } from "./io/tunnel-agent.ts";
export { systemBundles } from "./system-bundles.ts";
