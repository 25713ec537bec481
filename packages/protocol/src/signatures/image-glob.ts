/** Which images a rule is about: by names with wildcards. */
import { canonicalName, nameSpellings, withPort443 } from "./canonical-name.ts";

const LIMIT = 300;

/** @returns what is wrong with a pattern, or undefined */
export function imageGlobProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text.length > LIMIT) return `has more than ${LIMIT} characters`;
  if (text.includes("@")) return "has a digest: a rule is about names, whatever is behind them";
  if (/:[^/\]]*$/.test(text.slice(text.indexOf("/") + 1)) && text.includes("/")) {
    return "has a tag: a rule is about names, as tags move";
  }
  if (!/^[a-zA-Z0-9._:/*[\]-]+$/.test(text)) return "has characters that stand in no image's name";
  if (text.includes("***")) return "has three stars side by side";
  // Names have a host; without one it would be left to guess which images are meant.
  const first = text.split("/")[0] ?? "";
  const isWithHost = first === "localhost" || /[.:*]/.test(first);
  return isWithHost ? undefined : "begins with no host: write docker.io/... where that is meant, or **/...";
}

/**
 * What no image could match holds for nothing, and looks like a rule that does. It is told of, not refused: versions before
 * took it, and a node whose read-only image has such a policy could not be given another one.
 * @returns why no image could match the pattern, or undefined
 */
export function deadGlobProblem(text: string): string | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) {
    return text.includes("**") ? undefined : "names no repository: write HOST/** for all of a registry, ** for all";
  }
  if (/[A-Z]/.test(text.slice(slash))) return "has capital letters behind its host, and no repository has any";
  return text.startsWith("/") || text.endsWith("/") || text.includes("//")
    ? "has an empty part between its slashes"
    : undefined;
}

/**
 * @param glob  `*` is for anything within a part between slashes, `**` for anything at all
 * @returns  whether it matches HOST/REPOSITORY as a whole, however the host of either is written
 */
export function matchesImageGlob(glob: string, name: string): boolean {
  const pattern = canonicalName(glob);
  const parts = pattern.split(/(\*\*|\*)/);
  const isOfPort443 = /^[^/]*\*[^/]*:443\//.test(pattern);
  return nameSpellings(name).some((one) => segmentsMatch(parts, isOfPort443 ? withPort443(one) : one));
}

/** Without a regular expression: nested stars would make one run for ages. */
function segmentsMatch(parts: readonly string[], name: string): boolean {
  // Positions of the name that what came so far can end at.
  let ends: ReadonlySet<number> = new Set([0]);
  for (const part of parts) ends = new Set([...ends].flatMap((end) => endsOf(part, name, end)));
  return ends.has(name.length);
}

/** Where a part that begins at a position can end. */
function endsOf(part: string, name: string, from: number): readonly number[] {
  if (part !== "*" && part !== "**") return name.startsWith(part, from) ? [from + part.length] : [];
  const slash = name.indexOf("/", from);
  const last = part === "**" || slash === -1 ? name.length : slash;
  return Array.from({ length: last - from + 1 }, (_, index) => from + index);
}
