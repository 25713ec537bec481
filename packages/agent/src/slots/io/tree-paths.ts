/** Paths within a tree that is being written: links in it lead to places in it, never out of it. */
import { lstatSync, mkdirSync, readlinkSync, rmSync } from "node:fs";

import { brokenLayer } from "../tar/tar-header.ts";

export interface TreePaths {
  /** @returns the path below the root at which the folder really is; made where it is missing */
  folder(path: readonly string[]): string;
  /** After a folder or a link has gone. */
  forget(): void;
}

const LINKS_MAX = 40;

/** @param onReplaced  told of each place at which a folder is made: of a file that it replaces nothing is left */
export function treePaths(root: string, onReplaced: (path: string) => void): TreePaths {
  const known = new Map<string, string>([["", ""]]);

  function folder(path: readonly string[]): string {
    const key = path.join("/");
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = resolve(path, 0);
    known.set(key, found);
    return found;
  }

  function resolve(path: readonly string[], links: number): string {
    if (links > LINKS_MAX)
      throw brokenLayer(`links go round in circles at ${JSON.stringify(path.join("/").slice(0, 200))}`);
    let at: string[] = [];
    for (const [index, part] of path.entries()) {
      if (part === "..") {
        at = at.slice(0, -1);
        continue;
      }
      const here = [...at, part];
      const full = `${root}/${here.join("/")}`;
      const found = lstatSync(full, { throwIfNoEntry: false });
      if (found?.isSymbolicLink() === true) {
        const link = readlinkSync(full);
        const target = link.split("/").filter((one) => one !== "" && one !== ".");
        const from = link.startsWith("/") ? [] : at;
        return resolve([...from, ...target, ...path.slice(index + 1)], links + 1);
      }
      if (found?.isDirectory() !== true) {
        // An upper layer has a folder where a lower one has a file; a device lies nowhere before it is made.
        if (found !== undefined) rmSync(full);
        onReplaced(here.join("/"));
        mkdirSync(full, { mode: 0o755 });
      }
      at = here;
    }
    return at.join("/");
  }

  return { folder, forget: () => known.clear() };
}
