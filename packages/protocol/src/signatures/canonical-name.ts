/** One name for what one registry has, however its host is written: another spelling must not lead past a rule. */

const DOCKER_HOST = "docker.io";
/** All of them answer for docker.io's images. */
const DOCKER_ALIASES: ReadonlySet<string> = new Set([
  "index.docker.io",
  "registry-1.docker.io",
  "registry.hub.docker.com",
]);

/**
 * @param name  HOST/REPOSITORY, or a pattern of a rule, whose host may have stars
 * @returns the same with the host as URLs have it: small letters, addresses in their one form, IPv4 ones as such, no port
 *          443, which stays behind stars; and with `library/` for docker.io's own images
 * Source: WHATWG URL, host parser; distribution/reference, normalize.go
 */
export function canonicalName(name: string): string {
  const slash = name.indexOf("/");
  if (slash === -1) return name.toLowerCase();
  const written = hostAsUrl(name.slice(0, slash));
  const host = DOCKER_ALIASES.has(written) ? DOCKER_HOST : written;
  const repository = name.slice(slash + 1);
  const isOfLibrary = host === DOCKER_HOST && !repository.includes("/") && !repository.includes("**");
  return `${host}/${isOfLibrary ? "library/" : ""}${repository}`;
}

/**
 * @param name  HOST/REPOSITORY
 * @returns all that a pattern is compared with: a star in its host stands for a part of what is written, which the
 *          canonical name may lack
 */
export function nameSpellings(name: string): readonly string[] {
  const slash = name.indexOf("/");
  const plain = `${hostAsUrl(name.slice(0, slash))}${name.slice(slash)}`;
  return [...new Set([canonicalName(name), plain, name])];
}

/** The port that URLs leave out, written. */
export function withPort443(name: string): string {
  const slash = name.indexOf("/");
  const host = name.slice(0, slash);
  return /:\d+$/.test(host) ? name : `${host}:443${name.slice(slash)}`;
}

function hostAsUrl(written: string): string {
  const host = written.includes("*") ? undefined : URL.parse(`https://${written}`)?.host;
  return host === undefined ? written.toLowerCase().replace(/:0*443$/, ":443") : withoutMapping(host);
}

/** A connection to an IPv4 address that is written as an IPv6 one goes to the former. Source: RFC 4291, section 2.5.5.2 */
function withoutMapping(host: string): string {
  return host.replace(/^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]/, (_mapped, high: string, low: string) =>
    [high, low].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff]).join("."),
  );
}
