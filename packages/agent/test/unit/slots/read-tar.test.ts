import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { Random } from "../../../../../test/fuzz/random.ts";
import { decompress } from "../../../src/slots/tar/decompress.ts";
import { readTar, tarPath } from "../../../src/slots/tar/read-tar.ts";
import type { TarEntry } from "../../../src/slots/tar/tar-entry.ts";
import { entry, paxRecord, tarFile } from "./tar-file.ts";

interface Read {
  readonly entry: TarEntry;
  readonly text: string;
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<readonly Read[]> {
  const all: Read[] = [];
  for await (const { entry: one, content } of readTar(stream)) {
    const parts: Buffer[] = [];
    for await (const piece of content) parts.push(piece);
    all.push({ entry: one, text: Buffer.concat(parts).toString() });
  }
  return all;
}

const SAMPLE = tarFile([
  entry({ name: "./", type: "5", mode: 0o755 }),
  entry({ name: "./etc/passwd", content: "root", mode: 0o644, uid: 7, gid: 8 }),
  entry({ name: "bin/sh", type: "2", link: "busybox" }),
  entry({
    name: "pax",
    type: "x",
    content:
      paxRecord("path", `${"long/".repeat(40)}name`) +
      paxRecord("SCHILY.xattr.user.a", "b\nc=") +
      paxRecord("uid", "3000000"),
  }),
  entry({ name: "short", content: "x".repeat(600) }),
  entry({ name: "dev/null", type: "3", major: 1, minor: 3 }),
  entry({ name: "bin/ash", type: "1", link: "bin/sh" }),
]);

describe("a layer", () => {
  it.each([1, 7, 512, 513, 100_000])("is read the same in pieces of %i bytes", async (size) => {
    const all = await readAll(pieces(SAMPLE, size));
    expect(all.map(({ entry: one, text }) => [one.kind, one.path.join("/"), text.length])).toEqual([
      ["folder", "", 0],
      ["file", "etc/passwd", 4],
      ["symlink", "bin/sh", 0],
      ["file", `${"long/".repeat(40)}name`, 600],
      ["character-device", "dev/null", 0],
      ["hardlink", "bin/ash", 0],
    ]);
    expect(all[1]?.entry).toMatchObject({ mode: 0o644, uid: 7, gid: 8 });
    expect(all[3]?.entry.uid).toBe(3_000_000);
    expect([...(all[3]?.entry.xattrs ?? [])]).toEqual([["user.a", Buffer.from("b\nc=")]]);
    expect(all[4]?.entry).toMatchObject({ major: 1, minor: 3 });
  });

  it("may be compressed, and is read to the end of the compressed bytes", async () => {
    for (const packed of [gzipSync(SAMPLE), zstdCompressSync(SAMPLE), SAMPLE]) {
      let isRead = false;
      const source = async function* (): AsyncGenerator<Buffer> {
        yield* pieces(packed, 100);
        isRead = true;
      };
      const plain = decompress(source());
      expect(await readAll(plain)).toHaveLength(6);
      while ((await plain.next()).done !== true);
      expect(isRead).toBe(true);
    }
  });

  it.each([1, 2, 3])("is known for compressed where its first piece has %i bytes", async (size) => {
    for (const packed of [gzipSync(SAMPLE), zstdCompressSync(SAMPLE), SAMPLE]) {
      expect(await readAll(decompress(pieces(packed, size)))).toHaveLength(6);
    }
    expect(await readAll(decompress(pieces(Buffer.alloc(0), size)))).toEqual([]);
  });

  it.each([0x18_4d_2a_50, 0x18_4d_2a_5f])("is read from zstd's frames with others between them: %i", async (magic) => {
    const skipped = Buffer.alloc(12);
    skipped.writeUInt32LE(magic, 0);
    skipped.writeUInt32LE(4, 4);
    const frames = [SAMPLE.subarray(0, 700), SAMPLE.subarray(700)].map((part) => zstdCompressSync(part));
    const packed = Buffer.concat(frames.flatMap((frame) => [skipped, frame]));
    expect(await readAll(decompress(pieces(packed, 100)))).toHaveLength(6);
  });

  it("reads what stands behind a compressed archive too, so that its digest is known", async () => {
    let bytes = 0;
    const packed = Buffer.concat([gzipSync(SAMPLE), Buffer.alloc(100_000)]);
    const source = async function* (): AsyncGenerator<Buffer> {
      for await (const piece of pieces(packed, 1000)) {
        bytes += piece.length;
        yield piece;
      }
    };
    for await (const piece of decompress(source())) expect(piece.length).toBeGreaterThan(0);
    expect(bytes).toBe(packed.length);
  });

  it("gives the source's own failure, not the decompressor's", async () => {
    const source = async function* (): AsyncGenerator<Buffer> {
      yield* pieces(gzipSync(SAMPLE).subarray(0, 100), 100);
      throw new Error("the registry has gone");
    };
    await expect(readAll(decompress(source()))).rejects.toThrow("the registry has gone");
  });

  it.each([
    ["a wrong checksum", Buffer.from(SAMPLE).fill(1, 10, 12)],
    ["an end in a header", SAMPLE.subarray(0, 700)],
    ["an end in a file", SAMPLE.subarray(0, 512 * 2 + 2)],
    ["a way out of the image", tarFile([entry({ name: "../etc/shadow" })])],
    ["a sparse file", tarFile([entry({ name: "x", type: "S" })])],
    ["an unknown kind", tarFile([entry({ name: "x", type: "Z" })])],
    [
      "a broken extended header",
      tarFile([entry({ name: "x", type: "x", content: "99 path=x\n" }), entry({ name: "y" })]),
    ],
    ["gzip that is none", Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(2000, 7)])],
    ["a name that is not UTF-8", tarFile([entry({ name: Buffer.from([0x61, 0xff]).toString("latin1") }, "latin1")])],
  ])("is refused for %s", async (_name, bytes) => {
    await expect(readAll(decompress(pieces(bytes, 512)))).rejects.toThrow(
      expect.objectContaining({ code: "SLOT_LAYER_BROKEN" }),
    );
  });

  it.each([
    ["size", "0.5"],
    ["size", "1e3"],
    ["size", "0x10"],
    ["uid", "7.5"],
    ["gid", ""],
    // No user's number: to chown(2) the first means none, and Node takes no larger one.
    ["uid", "4294967295"],
    ["gid", "8589934592"],
    ["mtime", "Infinity"],
  ])("is refused for an extended header's %s of %j, of which no part could be read or kept", async (key, value) => {
    const header = entry({ name: "x", type: "x", content: paxRecord(key, value) });
    const items = readTar(pieces(tarFile([header, entry({ name: "y", content: "y" })]), 512));
    await expect(items.next()).rejects.toMatchObject({ code: "SLOT_LAYER_BROKEN" });
  });

  it("takes the fractions of seconds that times have, and those from before 1970 as none", async () => {
    const timed = (value: string): Buffer[] => [
      entry({ name: "x", type: "x", content: paxRecord("mtime", value) }),
      entry({ name: "y" }),
    ];
    const all = await readAll(pieces(tarFile([...timed("1700000000.25"), ...timed("-1.5")]), 512));
    expect(all.map(({ entry: one }) => one.mtimeSeconds)).toEqual([1_700_000_000.25, 0]);
  });

  it("is refused or read, and never anything else, with any byte bent", async () => {
    const seed = Date.now() % 100_000;
    const random = new Random(seed, 0);
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const bent = Buffer.from(SAMPLE);
      bent[random.below(bent.length)] = random.below(256);
      try {
        await readAll(pieces(bent, 4096));
      } catch (error) {
        expect(error, `seed ${seed}`).toMatchObject({ code: "SLOT_LAYER_BROKEN" });
        refused += 1;
      }
    }
    // A header is a part of it, and its checksum sees each byte.
    expect(refused, `seed ${seed}`).toBeGreaterThan(50);
  });
});

describe("a path of a layer", () => {
  it("loses what says nothing, and never leads out", () => {
    expect(tarPath("./a//b/./c/")).toEqual(["a", "b", "c"]);
    expect(tarPath("/etc/x")).toEqual(["etc", "x"]);
    for (const bad of ["a/../../b", "..", "a\0b", "x".repeat(300), "y/".repeat(3000)]) {
      expect(() => tarPath(bad)).toThrow(expect.objectContaining({ code: "SLOT_LAYER_BROKEN" }));
    }
  });
});
