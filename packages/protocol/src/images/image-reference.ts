/** Image references: what a person writes, taken apart as container runtimes do, and put together in one form. */
import { digestProblem } from "./digest.ts";
import { ImageReferenceError } from "./errors.ts";
import { hostProblem } from "./registry-host.ts";

export interface ImageReference {
  /** With its port, where it has one, and IPv6 addresses in brackets; docker.io where none was written. */
  readonly host: string;
  /** With `library/` for docker.io's own images. */
  readonly repository: string;
  /** `latest` where neither tag nor digest was written. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const DOCKER_HOST = "docker.io";
const OLD_DOCKER_HOST = "index.docker.io";
const DOCKER_LIBRARY = "library/";
const DEFAULT_TAG = "latest";

/** Of host and repository together: older runtimes count both, newer ones the repository only. */
const NAME_LIMIT = 255;
const TAG_LIMIT = 128;
/** Longest text that can be a reference: a name, a tag, and the longest digest. */
export const REFERENCE_LIMIT = NAME_LIMIT + 1 + TAG_LIMIT + 1 + "sha512:".length + 128;
const QUOTED_LIMIT = 100;

/**
 * Takes a reference apart; who wrote no host means docker.io, and who wrote neither tag nor digest means `latest`.
 * @throws ImageReferenceError  that names every bad part
 * Source: distribution/reference, grammar in reference.go and defaults in normalize.go
 */
export function parseImageReference(text: unknown): ImageReference {
  const unfit = textProblem(text);
  if (unfit !== undefined || typeof text !== "string") throw new ImageReferenceError([`reference: ${unfit}`]);
  const parts = split(text);
  const problems = [
    problem("host", parts.host, hostProblem),
    problem("repository", parts.repository, repositoryProblem),
    ...(parts.tag === undefined ? [] : [problem("tag", parts.tag, tagProblem)]),
    ...(parts.digest === undefined ? [] : [problem("digest", parts.digest, digestProblem)]),
  ].filter((one) => one !== undefined);
  const nameLength = parts.host.length + 1 + parts.repository.length;
  if (nameLength > NAME_LIMIT) problems.push(`reference: host and repository have more than ${NAME_LIMIT} characters`);
  if (problems.length > 0) throw new ImageReferenceError(problems);
  const tag = parts.tag ?? (parts.digest === undefined ? DEFAULT_TAG : undefined);
  return { ...parts, tag };
}

/**
 * Whether a registry's host stands in front, as runtimes tell it from a repository.
 * @param text  a reference as people write it, whatever else is wrong with it
 */
export function namesHost(text: string): boolean {
  const slash = text.indexOf("/");
  return slash !== -1 && isHostLike(text.slice(0, slash));
}

/** The one form of a reference: with host, and with `library/`. Parsing it gives the same reference again. */
export function writeImageReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${writeImageName(reference)}${tag}${digest}`;
}

/** Host and repository, without tag and digest. */
export function writeImageName(reference: Pick<ImageReference, "host" | "repository">): string {
  return `${reference.host}/${reference.repository}`;
}

/** What nodes are told to pull: the digest alone, because podman refuses references with tag and digest. */
export function pinImageReference(reference: ImageReference, digest: string): ImageReference {
  return { ...reference, tag: undefined, digest };
}

function textProblem(text: unknown): string | undefined {
  if (typeof text !== "string") return "is no text";
  if (text === "") return "is empty";
  if (text.length > REFERENCE_LIMIT) return `has more than ${REFERENCE_LIMIT} characters`;
  if (/\s/.test(text)) return "has white space in it";
  const scheme = /^[a-z-]+:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) return `begins with ${scheme}, which is no part of it`;
  // Runtimes take it for the identifier of a local image.
  return /^[0-9a-f]{64}$/.test(text) ? "is a bare identifier: write repository@sha256:digest" : undefined;
}

function split(text: string): ImageReference {
  const at = text.indexOf("@");
  const digest = at === -1 ? undefined : text.slice(at + 1);
  const tagged = at === -1 ? text : text.slice(0, at);
  const colon = tagged.lastIndexOf(":");
  // Without a slash, `registry:5000` is a repository with a tag.
  const hasTag = colon > tagged.lastIndexOf("/") && !tagged.startsWith("[", tagged.lastIndexOf("/") + 1);
  const tag = hasTag ? tagged.slice(colon + 1) : undefined;
  return { ...splitName(hasTag ? tagged.slice(0, colon) : tagged), tag, digest };
}

function splitName(name: string): Pick<ImageReference, "host" | "repository"> {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const written = slash !== -1 && isHostLike(first) ? first : undefined;
  const host = written === undefined || written === OLD_DOCKER_HOST ? DOCKER_HOST : written;
  const repository = written === undefined ? name : name.slice(slash + 1);
  const isOfLibrary = host === DOCKER_HOST && !repository.includes("/");
  return { host, repository: isOfLibrary ? DOCKER_LIBRARY + repository : repository };
}

/** What stands before the first slash is a host where it cannot be the beginning of a repository, and localhost. */
function isHostLike(first: string): boolean {
  return first === "localhost" || /[.:A-Z]/.test(first);
}

function repositoryProblem(repository: string): string | undefined {
  if (/[A-Z]/.test(repository)) return "has capital letters";
  for (const part of repository.split("/")) {
    if (part === "") return "is missing, or has a slash too many";
    if (!/^[a-z0-9._-]+$/.test(part))
      return "has other characters than a-z, 0-9, dots, dashes, underscores and slashes";
    if (!/^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/.test(part)) {
      return "has a part with dots, dashes or underscores at its end, or several of them side by side";
    }
  }
  return undefined;
}

function tagProblem(tag: string): string | undefined {
  if (tag === "") return "is missing behind the colon";
  if (tag.length > TAG_LIMIT) return `has more than ${TAG_LIMIT} characters`;
  if (/^[.-]/.test(tag)) return "begins with a dot or a dash";
  return /^[0-9A-Za-z_.-]+$/.test(tag)
    ? undefined
    : "has other characters than letters, digits, dots, dashes, underscores";
}

function problem(part: string, text: string, check: (text: string) => string | undefined): string | undefined {
  const found = check(text);
  if (found === undefined) return undefined;
  const quoted = JSON.stringify(text.length > QUOTED_LIMIT ? `${text.slice(0, QUOTED_LIMIT)}...` : text);
  return `${part}: ${quoted} ${found}`;
}
