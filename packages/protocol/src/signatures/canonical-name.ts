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
 * @returns the same with the host as URLs have it: small letters, addresses in their one form, no port 443; and with
 *          `library/` for docker.io's own images
 * Source: WHATWG URL, host parser; distribution/reference, normalize.go
 */
export function canonicalName(name: string): string {
  const slash = name.indexOf("/");
  if (slash === -1) return name.toLowerCase();
  const host = canonicalHost(name.slice(0, slash));
  const repository = name.slice(slash + 1);
  const isOfLibrary = host === DOCKER_HOST && !repository.includes("/") && !repository.includes("**");
  return `${host}/${isOfLibrary ? "library/" : ""}${repository}`;
}

function canonicalHost(written: string): string {
  const host = (written.includes("*") ? undefined : URL.parse(`https://${written}`)?.host) ?? written.toLowerCase();
  return DOCKER_ALIASES.has(host) ? DOCKER_HOST : host;
}
