/** What a repository is called at a mirror. */

export interface Rewrite {
  /** With the flag g. */
  readonly pattern: RegExp;
  /** Go's: $1 or ${1}, $name or ${name}, $$ for a dollar. */
  readonly replacement: string;
}

/** @returns undefined for what is no regular expression */
export function rewriteOf(pattern: string, replacement: string): Rewrite | undefined {
  try {
    // But for names of groups, Go's and JavaScript's agree in all that repository names need.
    return { pattern: new RegExp(pattern.replaceAll("(?P<", "(?<"), "g"), replacement };
  } catch {
    return undefined;
  }
}

/** By the first that changes it, as containerd's of k3s. Source: Go regexp, Regexp.ReplaceAllString and Regexp.Expand */
export function rewriteName(rewrites: readonly Rewrite[], name: string): string {
  for (const { pattern, replacement } of rewrites) {
    const changed = replaceAll(name, pattern, replacement);
    if (changed !== name) return changed;
  }
  return name;
}

function replaceAll(name: string, pattern: RegExp, replacement: string): string {
  let [text, end] = ["", 0];
  for (const match of name.matchAll(pattern)) {
    text += name.slice(end, match.index) + expand(replacement, match);
    end = match.index + match[0].length;
  }
  return text + name.slice(end);
}

/** A group that is not there is empty; a dollar before anything else stays. */
function expand(replacement: string, match: RegExpExecArray): string {
  return replacement.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    const group = braced ?? bare;
    if (whole === "$$" || group === undefined) return "$";
    return (/^(?:0|[1-9]\d*)$/.test(group) ? match[Number(group)] : match.groups?.[group]) ?? "";
  });
}
