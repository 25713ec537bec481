/** Which credentials of pull secrets are for an image: the kubelet's rules, so that the operator may what nodes may. */
import type { RegistryCredential } from "./pull-secret.ts";

/** Tried one after the other, as the kubelet does; each try is a visit to the registry. */
const MAX_CANDIDATES = 5;
const DOCKER_KEY = "index.docker.io";

interface Pattern {
  readonly labels: readonly string[];
  readonly port: string;
  /** Empty, or begins with a slash. */
  readonly path: string;
  /** Host, port and path, by which Kubernetes sorts. */
  readonly key: string;
}

/**
 * @param credentials  of all pull secrets, in their order
 * @param imageName    host and repository of the canonical reference, such as docker.io/library/busybox
 * @returns            the longest pattern's first, at most 5
 * Source: kubernetes pkg/credentialprovider/keyring.go (Add, Lookup, URLsMatch); character classes in hosts are not read
 */
export function matchCredentials(
  credentials: readonly RegistryCredential[],
  imageName: string,
): readonly RegistryCredential[] {
  const image = parsePattern(imageName);
  if (image === undefined) return [];
  const patterns = credentials.flatMap((credential) => {
    const pattern = parsePattern(credential.registry);
    return pattern === undefined ? [] : [{ credential, pattern }];
  });
  // A stable sort: equal keys stay in the order of the secrets.
  const ordered = patterns.sort((a, b) => compare(b.pattern.key, a.pattern.key));
  const matching = ordered.filter(({ pattern }) => matches(pattern, image));
  const found =
    matching.length > 0 || !isDockers(image) ? matching : ordered.filter(({ pattern }) => pattern.key === DOCKER_KEY);
  return found.slice(0, MAX_CANDIDATES).map(({ credential }) => credential);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Undefined where it is no address of anything. */
function parsePattern(text: string): Pattern | undefined {
  const withoutScheme = text.replace(/^https?:\/\//, "").replace(/[?#].*$/s, "");
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^/:@\s[\]]+))(?::(\d*))?(\/.*)?$/s.exec(withoutScheme);
  if (match === null) return undefined;
  const host = match[1] ?? match[2] ?? "";
  const port = match[3] ?? "";
  const path = registryPath(match[4] ?? "");
  const shownHost = match[1] === undefined ? host : `[${host}]`;
  return { labels: host.split("."), port, path, key: `${shownHost}${match[3] === undefined ? "" : `:${port}`}${path}` };
}

/** Docker writes the version of its API into keys: https://index.docker.io/v1/. */
function registryPath(path: string): string {
  const effective = /^\/v[12]\//.test(path) ? path.slice(3) : path;
  return effective === "/" ? "" : effective;
}

function matches(pattern: Pattern, image: Pattern): boolean {
  if (pattern.port !== image.port || pattern.labels.length !== image.labels.length) return false;
  if (!image.path.startsWith(pattern.path)) return false;
  return pattern.labels.every((label, index) => matchesLabel(label, image.labels[index] ?? ""));
}

/** `*` and `?` within one label. Compared without backtracking into many stars: labels are short, but not ours. */
function matchesLabel(pattern: string, label: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (at < label.length) {
    const wanted = pattern[from];
    if (wanted === "*") {
      star = from;
      from += 1;
      resume = at;
    } else if (wanted !== undefined && (wanted === "?" || wanted === label[at])) {
      from += 1;
      at += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      from = star + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(from));
}

function isDockers(image: Pattern): boolean {
  return image.port === "" && ["docker.io", DOCKER_KEY].includes(image.labels.join("."));
}
