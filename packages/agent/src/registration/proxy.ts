/** Which proxy leads to the server that a machine registers with. */
import { chooseProxy as choose, type ProxyEnvironment } from "@rancheros/protocol/proxies";

import { RegistrationError } from "./errors.ts";

/**
 * @returns the proxy's address, `undefined` for a direct connection
 * @throws RegistrationError REGISTRATION_PROXY_INVALID
 */
export function chooseProxy(url: URL, environment: ProxyEnvironment): URL | undefined {
  const choice = choose(url, environment);
  if (choice.kind === "invalid") {
    const message = `${choice.variable} is not the address of an HTTP proxy`;
    throw new RegistrationError("REGISTRATION_PROXY_INVALID", message);
  }
  return choice.kind === "proxy" ? choice.proxy : undefined;
}
