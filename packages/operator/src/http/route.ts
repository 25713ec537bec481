/** Which of the machine endpoints a request asks for. */
import { MACHINE_PATH } from "../rancherd/index.ts";

export type Route =
  | { readonly kind: "registration"; readonly token: string }
  | { readonly kind: "inventory" }
  | { readonly kind: "cacerts" }
  | { readonly kind: "unknown" };

/** @param target  the request line's target, path and query */
export function pathOf(target: string): string {
  // RFC 9112 section 3.2.2: a server takes the absolute form too.
  return (target.replace(/^https?:\/\/[^/?#]*/i, "") || "/").split("?", 1)[0] ?? "";
}

export function routeOf(target: string): Route {
  const path = pathOf(target);
  if (path === `${MACHINE_PATH}/inventory`) return { kind: "inventory" };
  if (path === `${MACHINE_PATH}/cacerts`) return { kind: "cacerts" };
  const registration = `${MACHINE_PATH}/registration/`;
  // The original's machines may have a slash more in their URLs: it looks at the last element only, as Go's path.Base.
  if (path.startsWith(registration)) {
    return { kind: "registration", token: path.slice(registration.length).replace(/^\/+|\/+$/g, "") };
  }
  return { kind: "unknown" };
}
