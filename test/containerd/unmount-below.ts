/** What is mounted below a folder goes, also where something uses it still. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The innermost first. */
export async function unmountBelow(folder: string): Promise<void> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  const mounts = lines.map((line) => line.split(" ")[4] ?? "").filter((mount) => mount.startsWith(`${folder}/`));
  for (const mount of mounts.toReversed()) await run("umount", ["--lazy", mount]);
}
