/** Paths below a root as their parts. */

/** Longer is no path that Linux takes. */
const PATH_MAX_BYTES = 4096;
const NAME_MAX_BYTES = 255;

/** @returns what is wrong with a path that a file shall be written to; undefined for nothing */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return "does not begin with /";
  if (path.includes("\0")) return "holds a NUL byte";
  if (Buffer.byteLength(path) >= PATH_MAX_BYTES) return "is longer than a path may be";
  const parts = path.slice(1).split("/");
  if (parts.some((part) => part === "..")) return "holds ..";
  if (parts.some((part) => Buffer.byteLength(part) > NAME_MAX_BYTES))
    return "has a part that is longer than a name may be";
  if (partsOf(path).length === 0 || path.endsWith("/")) return "names no file";
  return undefined;
}

export function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
