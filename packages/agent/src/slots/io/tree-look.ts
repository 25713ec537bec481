/** Looks into a tree as if it were the root: links lead to places in it. */
import { closeSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";

import type { TreeLook } from "../system-parts.ts";
import { readable } from "./readable.ts";

const LINKS_MAX = 40;

export function treeLook(root: string): TreeLook {
  return {
    head: (path, bytes) => readable(path, () => head(root, path, bytes)),
  };
}

function head(root: string, path: string, bytes: number): Buffer | undefined {
  const real = realPath(root, path.split("/"), 0);
  if (real === undefined || !lstatSync(`${root}/${real}`).isFile()) return undefined;
  const file = openSync(`${root}/${real}`, "r");
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(file, buffer, 0, bytes, 0));
  } finally {
    closeSync(file);
  }
}

function realPath(root: string, path: readonly string[], links: number): string | undefined {
  if (links > LINKS_MAX) return undefined;
  let at: readonly string[] = [];
  for (const [index, part] of path.entries()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      at = at.slice(0, -1);
      continue;
    }
    const here = [...at, part];
    const found = lstatSync(`${root}/${here.join("/")}`, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) {
      const link = readlinkSync(`${root}/${here.join("/")}`);
      const from = link.startsWith("/") ? [] : at;
      return realPath(root, [...from, ...link.split("/"), ...path.slice(index + 1)], links + 1);
    }
    at = here;
  }
  return at.join("/");
}
