/** Which mount a path lies on. Source: proc_pid_mountinfo(5) */

/**
 * @param mountInfo  /proc/self/mountinfo
 * @param path       without links in it
 */
export function isMountedReadOnly(mountInfo: string, path: string): boolean {
  let best: { readonly at: string; readonly options: readonly string[] } | undefined;
  for (const line of mountInfo.split("\n")) {
    const fields = line.split(" ");
    const at = unescaped(fields[4] ?? "");
    if (at === "" || !isBelow(path, at)) continue;
    // Later mounts lie over earlier ones.
    if (best === undefined || at.length >= best.at.length) {
      const superOptions = fields.at(-1)?.split(",") ?? [];
      best = { at, options: [...(fields[5]?.split(",") ?? []), ...superOptions] };
    }
  }
  return best?.options.includes("ro") === true;
}

function isBelow(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** Spaces and the like are there as \040. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
