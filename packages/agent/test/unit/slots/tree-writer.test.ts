/** What is remembered of a tree beside what lies on the disk, after any layers; and how long it takes to forget. */
import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cpuMsOfAwaited } from "../../../../../test/cpu-ms-of.ts";
import { SlotError } from "../../../src/slots/errors.ts";
import { treeWriter, type TreeWriter } from "../../../src/slots/io/tree-writer.ts";
import type { TarEntry } from "../../../src/slots/tar/tar-entry.ts";
import type { TarItem } from "../../../src/slots/tar/read-tar.ts";

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function item(kind: TarEntry["kind"], path: string, link = ""): TarItem {
  const more = { sizeBytes: 0, mtimeSeconds: 1, major: 1, minor: 3, xattrs: new Map([["user.x", Buffer.from(path)]]) };
  return {
    entry: { kind, path: path.split("/"), mode: 0o755, ...OWN, link, ...more },
    content: (async function* () {
      yield await Promise.resolve(Buffer.from(path));
    })(),
  };
}

async function inFolder(work: (root: string, writer: TreeWriter) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "tree-"));
  try {
    await work(root, treeWriter(root));
  } finally {
    rmSync(root, { recursive: true });
  }
}

function kindOnDisk(full: string): string {
  const found = lstatSync(full, { throwIfNoEntry: false });
  if (found === undefined) return "nothing";
  return found.isDirectory() ? "folder" : found.isSymbolicLink() ? `symlink to ${readlinkSync(full)}` : "file";
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((child) => {
    const at = `${folder}/${child.name}`;
    return child.isDirectory() ? filesBelow(at) : [at];
  });
}

/** Devices and pipes, which are made later: whatever stands for them on the disk. */
function makeSpecials(root: string, writer: TreeWriter): void {
  for (const { path } of writer.takeSpecials().specials) writeFileSync(`${root}/${path}`, "");
}

/** What is remembered, and what of that the disk has; folders that no entry named are remembered by nobody. */
function compare(root: string, writer: TreeWriter): { readonly remembered: object; readonly there: object } {
  const remembered = new Map<string, string>();
  const there = new Map<string, string>();
  for (const [path, record] of writer.records) {
    const { kind } = record;
    remembered.set(path, kind === "symlink" ? `symlink to ${record.link}` : kind === "special" ? "file" : kind);
    there.set(path, kindOnDisk(`${root}/${path}`));
  }
  for (const at of filesBelow(root)) there.set(at.slice(root.length + 1), kindOnDisk(at));
  return { remembered: Object.fromEntries(remembered), there: Object.fromEntries(there) };
}

const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const link = fc.constantFrom("a", "b", "../b", "/c", "/a/b", "c/a");
const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom("folder" as const, "file" as const, "fifo" as const),
    path,
    link: fc.constant(""),
  }),
  fc.record({ kind: fc.constant("symlink" as const), path, link }),
  fc.record({ kind: fc.constant("hardlink" as const), path, link: path }),
  fc.record({
    kind: fc.constant("file" as const),
    path: fc.tuple(fc.array(name, { maxLength: 2 }), name).map(([above, last]) => [...above, `.wh.${last}`].join("/")),
    link: fc.constant(""),
  }),
  fc.record({
    kind: fc.constant("file" as const),
    path: fc.array(name, { maxLength: 2 }).map((above) => [...above, ".wh..wh..opq"].join("/")),
    link: fc.constant(""),
  }),
);

describe("treeWriter", () => {
  it("remembers what lies there and nothing else, whatever layers put and take away", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 4 }), async (layers) =>
        inFolder(async (root, writer) => {
          for (const layer of layers) {
            writer.beginLayer();
            for (const { kind, path: at, link: to } of layer) {
              try {
                await writer.write(item(kind, at, to));
              } catch (error) {
                // Links in circles, and to nothing: that ends the writing of a slot.
                if (!(error instanceof SlotError)) throw error;
                return;
              }
            }
            makeSpecials(root, writer);
            const { remembered, there } = compare(root, writer);
            expect(remembered).toEqual(there);
          }
        }),
      ),
    );
  });

  it("forgets devices and attributes that are still to be made, below a folder too", async () => {
    await inFolder(async (_root, writer) => {
      for (const at of ["dev/null", "dev/sub/zero", "null", "kept"]) await writer.write(item("character-device", at));
      writer.beginLayer();
      for (const at of ["dev/sub/.wh.zero", ".wh.dev", ".wh.null"]) await writer.write(item("file", at));
      const { specials, xattrs } = writer.takeSpecials();
      expect(specials.map((special) => special.path)).toEqual(["kept"]);
      expect([...xattrs.keys()]).toEqual(["kept"]);
      expect([...writer.records.keys()]).toEqual(["kept"]);
    });
  });

  it("takes away and replaces a tenth in less time than it took to make all", async () => {
    // Pipes cost no file system anything before they are made.
    const pipes = Array.from({ length: 20_000 }, (_, at) => [`usr/share/${at % 100}`, `pipe${at}`] as const);
    const links = Array.from({ length: 200 }, (_, at) => `usr/lib/link${at}`);
    await inFolder(async (_root, writer) => {
      const makingMs = await cpuMsOfAwaited(async () => {
        for (const [folder, file] of pipes) await writer.write(item("fifo", `${folder}/${file}`));
        for (const at of links) await writer.write(item("symlink", at, "x"));
      });
      writer.beginLayer();
      const takingMs = await cpuMsOfAwaited(async () => {
        for (const [folder, file] of pipes.slice(0, 2_000)) await writer.write(item("file", `${folder}/.wh.${file}`));
        for (const at of links.slice(0, 20)) await writer.write(item("symlink", at, "y"));
      });
      expect(takingMs).toBeLessThan(makingMs);
      expect(writer.records.size).toBe(18_200);
    });
  });
});
