/** Requests of plain HTTP and HTTPS, as registration, installation, the node's API client and the pull of images make them. */
export { distrustOf } from "./distrust.ts";
export { answerTo, StaleConnection } from "./io/answer-to.ts";
export { connectionAgent, type Route } from "./io/connection-agent.ts";
export { isProxyError, trustProxy } from "./io/proxy-tls.ts";
export { readSystemCas } from "./io/system-cas.ts";
export { TunnelAgent } from "./io/tunnel-agent.ts";
export { systemBundles } from "./system-bundles.ts";
