/** Writes the entries of layers into a folder, the lowest layer first, and remembers what lies there. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";

import { SlotError } from "../errors.ts";
import type { TarEntry } from "../tar/tar-entry.ts";
import { brokenLayer } from "../tar/tar-header.ts";
import { tarPath, type TarItem } from "../tar/read-tar.ts";
import { CONTENT_HASH, CONTENT_HASH_BYTES, type TreeRecord, type TreeRecords } from "../tree-record.ts";
import { treePaths } from "./tree-paths.ts";

export interface SpecialFile {
  readonly kind: "character-device" | "block-device" | "fifo";
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
}

export interface TreeWriter {
  beginLayer(): void;
  /** @throws SlotError SLOT_LAYER_BROKEN, SLOT_TOO_SMALL, SLOT_WRITE_FAILED */
  write(item: TarItem): Promise<void>;
  /** What Node cannot make, since the last call. */
  takeSpecials(): {
    readonly specials: readonly SpecialFile[];
    readonly xattrs: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
  };
  /** Times of folders, which change with what is put into them. */
  end(): void;
  readonly records: TreeRecords;
  /** Without further names of the same file. */
  readonly inodes: () => number;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** @param root  an empty folder */
export function treeWriter(root: string): TreeWriter {
  const records = new Map<string, TreeRecord>();
  const folderTimes = new Map<string, number>();
  const paths = treePaths(root, forgetFile);
  let ofLayer = new Set<string>();
  let hardLinks = 0;
  /** By their paths, at which nothing is before somebody makes them. */
  let specials = new Map<string, SpecialFile>();
  let xattrs = new Map<string, ReadonlyMap<string, Buffer>>();

  function forgetFile(path: string): void {
    for (const map of [records, xattrs, specials]) map.delete(path);
  }

  /** By what lies there: to look through all records for each folder would take longer than to write them. */
  function forgetFolder(path: string): void {
    for (const child of readdirSync(`${root}/${path}`, { withFileTypes: true })) {
      const at = joined(path, child.name);
      if (child.isDirectory()) forgetFolder(at);
      else forgetFile(at);
    }
    forgetFile(path);
    folderTimes.delete(path);
  }

  function remove(path: string): void {
    const full = `${root}/${path}`;
    const found = lstatSync(full, { throwIfNoEntry: false });
    // Also where nothing lies: a device is there only when somebody has made it.
    forgetFile(path);
    if (found === undefined) return;
    if (found.isDirectory()) {
      forgetFolder(path);
      for (const at of specials.keys()) if (at.startsWith(`${path}/`)) forgetFile(at);
    }
    rmSync(full, { recursive: true });
    if (found.isDirectory() || found.isSymbolicLink()) paths.forget();
  }

  /** What lower layers have there; what this one has put there stays. */
  function removeLower(path: string): void {
    if (!ofLayer.has(path)) return remove(path);
    if (lstatSync(`${root}/${path}`, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
    for (const child of readdirSync(`${root}/${path}`)) removeLower(joined(path, child));
  }

  function whiteOut(folder: string, name: string): void {
    if (name !== OPAQUE) {
      const gone = name.slice(WHITEOUT.length);
      if (gone === "" || gone === "." || gone === "..") throw brokenLayer("a whiteout names no file");
      return removeLower(joined(folder, gone));
    }
    for (const child of readdirSync(`${root}/${folder}`)) removeLower(joined(folder, child));
  }

  function place({ path, kind }: TarEntry): string {
    const name = path.at(-1);
    if (name === undefined) return "";
    const target = joined(paths.folder(path.slice(0, -1)), name);
    const found = lstatSync(`${root}/${target}`, { throwIfNoEntry: false });
    const stays = kind === "folder" && found?.isDirectory() === true;
    if (!stays) remove(target);
    return target;
  }

  async function put(entry: TarEntry, content: AsyncIterable<Buffer>): Promise<void> {
    const { kind, mode, uid, gid, mtimeSeconds } = entry;
    const target = place(entry);
    const full = `${root}/${target}`;
    for (let at = target; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) ofLayer.add(at);
    if (target === "" && kind !== "folder") throw brokenLayer("the root of the image is no folder");
    switch (kind) {
      case "folder":
        if (target !== "") mkdirSync(full, { recursive: true });
        chownSync(full, uid, gid);
        chmodSync(full, mode);
        folderTimes.set(target, mtimeSeconds);
        records.set(target, { kind, mode, uid, gid });
        break;
      case "file":
        records.set(target, await writeFile(full, entry, content));
        break;
      case "symlink":
        symlinkSync(entry.link, full);
        lchownSync(full, uid, gid);
        lutimesSync(full, mtimeSeconds, mtimeSeconds);
        records.set(target, { kind, link: entry.link });
        break;
      case "hardlink":
        records.set(target, hardLink(entry.link, full));
        break;
      case "character-device":
      case "block-device":
      case "fifo":
        specials.set(target, { kind, path: target, mode, uid, gid, major: entry.major, minor: entry.minor });
        records.set(target, { kind: "special" });
    }
    if (entry.xattrs.size > 0 && kind !== "hardlink") xattrs.set(target, entry.xattrs);
  }

  function hardLink(link: string, full: string): TreeRecord {
    const parts = tarPath(link);
    const source = joined(paths.folder(parts.slice(0, -1)), parts.at(-1) ?? "");
    const record = records.get(source);
    if (record === undefined || record.kind === "folder" || record.kind === "special") {
      throw brokenLayer(`a hard link leads to ${JSON.stringify(link.slice(0, 200))}, which is no file of the image`);
    }
    linkSync(`${root}/${source}`, full);
    hardLinks += 1;
    return record;
  }

  return {
    records,
    inodes: () => records.size - hardLinks,
    beginLayer() {
      ofLayer = new Set();
    },
    async write({ entry, content }) {
      try {
        const name = entry.path.at(-1) ?? "";
        if (name.startsWith(WHITEOUT)) whiteOut(paths.folder(entry.path.slice(0, -1)), name);
        else await put(entry, content);
      } catch (cause) {
        throw writeFailure(cause, entry.path.join("/"));
      }
    },
    takeSpecials() {
      const taken = { specials: [...specials.values()], xattrs };
      specials = new Map();
      xattrs = new Map();
      return taken;
    },
    end() {
      for (const [path, seconds] of folderTimes) utimesSync(`${root}/${path}`, seconds, seconds);
    },
  };
}

async function writeFile(
  full: string,
  { mode, uid, gid, mtimeSeconds }: TarEntry,
  content: AsyncIterable<Buffer>,
): Promise<TreeRecord> {
  const hash = createHash(CONTENT_HASH);
  const file = openSync(full, "wx", 0o600);
  let sizeBytes = 0;
  try {
    for await (const piece of content) {
      hash.update(piece);
      sizeBytes += piece.length;
      for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
    }
    // The owner first: a change of owner takes setuid away.
    fchownSync(file, uid, gid);
    fchmodSync(file, mode);
    futimesSync(file, mtimeSeconds, mtimeSeconds);
  } finally {
    closeSync(file);
  }
  return { kind: "file", mode, uid, gid, sizeBytes, hash: hash.digest("hex").slice(0, 2 * CONTENT_HASH_BYTES) };
}

function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** What a file system's refusal means; all else as it is. */
export function writeFailure(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error) || !("code" in cause) || !("syscall" in cause)) return cause;
  const code = String(cause.code);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SlotError("SLOT_TOO_SMALL", `the operating system does not fit: no room for ${path}`, { cause });
  }
  return new SlotError("SLOT_WRITE_FAILED", `${path} cannot be written (${code})`, { cause });
}
