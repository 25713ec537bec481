/** Files larger than what a slow disk reads while the service manager waits for a sign of life. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { readBack } from "../../../src/slots/io/read-back.ts";
import { CONTENT_HASH, CONTENT_HASH_BYTES, type TreeRecord } from "../../../src/slots/tree-record.ts";

const MIB = 1024 ** 2;
const SIZE_BYTES = 256 * MIB;

let root: string;
let record: TreeRecord;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "read-back-"));
  writeFileSync(join(root, "large"), "");
  truncateSync(join(root, "large"), SIZE_BYTES);
  const hash = createHash(CONTENT_HASH);
  const piece = Buffer.alloc(MIB);
  for (let done = 0; done < SIZE_BYTES; done += MIB) hash.update(piece);
  const { mode, uid, gid } = statSync(join(root, "large"));
  const digest = hash.digest("hex").slice(0, 2 * CONTENT_HASH_BYTES);
  record = { kind: "file", mode: mode & 0o7777, uid, gid, sizeBytes: SIZE_BYTES, hash: digest };
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

it("lets the process's other work go on in the midst of a large file", async () => {
  let turns = 0;
  let isRead = false;
  const turn = (): void => {
    turns += 1;
    if (!isRead) setImmediate(turn);
  };
  setImmediate(turn);
  await readBack(root, new Map([["large", record]]), {
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  isRead = true;
  expect(turns).toBeGreaterThan(10);
});

it("ends in the midst of a large file when it is broken off", async () => {
  const stop = new AbortController();
  const reading = readBack(root, new Map([["large", record]]), { signal: stop.signal, onProgress: () => undefined });
  // After the look at the signal before the first file.
  setImmediate(() => setImmediate(() => stop.abort()));
  await expect(reading).rejects.toMatchObject({ code: "SLOT_INTERRUPTED" });
});
