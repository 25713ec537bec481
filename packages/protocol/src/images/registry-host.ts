/** The host of a registry as it stands in an image reference: a name or an address, and perhaps a port. */
import { isIPv4, isIPv6 } from "node:net";

const HIGHEST_PORT = 65_535;

/** What is wrong with it, or undefined. Source: distribution/reference grammar, `domain` */
export function hostProblem(text: string): string | undefined {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return addressProblem(bracketed[1] ?? "") ?? portProblem(bracketed[2]);
  if (text.split(":").length > 2) return "has several colons: an IPv6 address stands in square brackets";
  const [name = "", port] = text.split(":");
  return nameProblem(name) ?? requestProblem(name) ?? portProblem(port);
}

/** Whether a setting or a credential names a host that references can have too. */
export function isRegistryHost(text: string): boolean {
  return text !== "" && hostProblem(text) === undefined;
}

/** The grammar has no zones and no dotted quads inside of IPv6 addresses. */
function addressProblem(address: string): string | undefined {
  const isAddress = /^[0-9a-fA-F:]+$/.test(address) && isIPv6(address);
  return isAddress ? undefined : "has something else than an IPv6 address in its square brackets";
}

function nameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  for (const label of name.split(".")) {
    if (label === "") return "has a dot too many";
    if (!/^[0-9a-zA-Z-]+$/.test(label)) return "has other characters than letters, digits, dots and dashes";
    if (label.startsWith("-") || label.endsWith("-")) return "has a part that begins or ends with a dash";
  }
  return undefined;
}

/**
 * The grammar takes names that are none to whoever sends a request: what ends in a number has to be an IPv4 address,
 * and one that is written in another form is another one than people read.
 * Source: URL Standard, "host parser" and "IPv4 parser"
 */
function requestProblem(name: string): string | undefined {
  const url = URL.parse(`https://${name}`);
  if (url === null) return "is no host that a request can go to: what ends in a number has to be an IPv4 address";
  const { hostname } = url;
  return isIPv4(hostname) && hostname !== name
    ? `is the address ${hostname} in another form: write ${hostname}`
    : undefined;
}

function portProblem(port: string | undefined): string | undefined {
  if (port === undefined) return undefined;
  const isPort = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= HIGHEST_PORT;
  return isPort ? undefined : `has a port that is no number from 1 to ${HIGHEST_PORT}`;
}
