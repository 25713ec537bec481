/** A folder that is a machine's /: with the files that useradd and its like work on, and nothing that could run. */
import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { applyCloudConfig, parseCloudConfig, type Applied } from "../../../src/cloud-config/index.ts";

export interface MachineRoot {
  readonly root: string;
  readonly path: (inside: string) => string;
  readonly text: (inside: string) => Promise<string>;
  readonly put: (inside: string, text: string, mode?: number) => Promise<void>;
  /** @throws what applying throws */
  readonly apply: (text: string, options?: { readonly dryRun?: boolean; readonly from?: string }) => Promise<Applied>;
  /** Several files at once, later ones last. */
  readonly applyAll: (
    texts: readonly string[],
    options?: { readonly dryRun?: boolean; readonly from?: string; readonly unread?: readonly string[] },
  ) => Promise<Applied>;
  /** Every file with mode, owner and content. */
  readonly snapshot: () => Promise<Readonly<Record<string, string>>>;
  readonly remove: () => Promise<void>;
}

const FILES: readonly (readonly [path: string, text: string, mode: number])[] = [
  ["etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644],
  ["etc/group", "root:x:0:\nwheel:x:10:\n", 0o644],
  ["etc/shadow", "root:*:19000:0:99999:7:::\n", 0o600],
  ["etc/gshadow", "root:*::\nwheel:!::\n", 0o600],
  ["usr/share/zoneinfo/Europe/Berlin", "TZif2", 0o644],
  ["bin/bash", "", 0o755],
];

export async function machineRoot(): Promise<MachineRoot> {
  const base = await mkdtemp(join(tmpdir(), "machine-root-"));
  const root = join(base, "root");
  const path = (inside: string): string => join(root, inside);
  const put = async (inside: string, text: string, mode = 0o644): Promise<void> => {
    await mkdir(join(path(inside), ".."), { recursive: true });
    await writeFile(path(inside), text);
    await chmod(path(inside), mode);
  };
  const applyAll: MachineRoot["applyAll"] = (
    texts,
    { dryRun = false, from = "/registration.yaml", unread = [] } = {},
  ) => {
    const given = texts.map((text, index) => {
      const { config, findings } = parseCloudConfig(Buffer.from(text));
      if (config === undefined) throw new Error(JSON.stringify(findings));
      return { path: index === 0 ? from : `${from}.${index}`, text, config };
    });
    const options = { tool: "auto", dryRun, unread, signal: new AbortController().signal } as const;
    return applyCloudConfig({ root, lockFile: join(base, "run", "config.lock") }, given, options);
  };
  for (const [file, text, mode] of FILES) await put(file, text, mode);
  for (const folder of ["home", "root", "var/lib", "opt"]) await mkdir(path(folder), { recursive: true });
  return {
    root,
    path,
    put,
    text: (inside) => readFile(path(inside), "utf8"),
    apply: (text, options) => applyAll([text], options),
    applyAll,
    async snapshot() {
      const found: Record<string, string> = {};
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const full = join(entry.parentPath, entry.name);
        const inside = full.slice(root.length);
        if (entry.isSymbolicLink()) found[inside] = `-> ${await readlink(full)}`;
        else {
          const { mode, uid, gid } = await stat(full);
          const content = entry.isFile() ? await readFile(full, "latin1") : "";
          found[inside] = `${(mode & 0o7777).toString(8)} ${uid}:${gid} ${content}`;
        }
      }
      return found;
    },
    remove: () => rm(base, { recursive: true, force: true }),
  };
}
