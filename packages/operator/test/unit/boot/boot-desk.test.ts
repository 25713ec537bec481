/** Who asks for boot files while a registry says nothing: so many, for so long, and in nobody's way. */
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { createBootDesk, type BootDesk, type BootRequest } from "../../../src/boot/index.ts";
import { mediaFinder } from "../../../src/boot/media-finder.ts";
import { NO_REGISTRY_SETTINGS } from "../../../src/registry/index.ts";
import type { FoundMedia } from "../../../src/boot/boot-desk.ts";

const BLOB = { digest: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", sizeBytes: 3 };
const MEDIA = { kernel: BLOB, initrd: BLOB, squashfs: BLOB };
const NEVER = new AbortController().signal;

function registration(name: string): MachineRegistration {
  return {
    metadata: { namespace: "fleet", name, uid: name, resourceVersion: "1" },
    spec: { boot: { media: "r.test/os/boot:v1" } },
  };
}

function mediaOf(open: FoundMedia["open"]): FoundMedia {
  return { media: MEDIA, open };
}

interface Stage {
  readonly desk: BootDesk;
  readonly late: AbortController;
  readonly ask: (source: string, asked?: Partial<BootRequest>) => Promise<unknown>;
  readonly atMs: (nowMs: number) => void;
}

function stage(find: (name: string) => Promise<FoundMedia>): Stage {
  let now = 0;
  const late = new AbortController();
  const desk = createBootDesk({
    assertReady: () => undefined,
    look: registration,
    find: ({ metadata }) => find(metadata.name),
    configOf: () => "",
    bootUrl: undefined,
    steadyMs: () => now,
    lateAfter: () => late.signal,
  });
  const usual = { method: "GET", host: "h", isTls: false, range: undefined, signal: NEVER };
  return {
    desk,
    late,
    ask: (remoteAddress, asked = {}) =>
      desk.answer({ ...usual, path: "/boot/hangs/kernel", remoteAddress, ...asked }).catch((error: unknown) => error),
    atMs: (nowMs) => void (now = nowMs),
  };
}

const hanging = (name: string): Promise<FoundMedia> =>
  name === "hangs" ? new Promise(() => undefined) : Promise.resolve(mediaOf(opened));
const opened: FoundMedia["open"] = () => Promise.resolve({ isPart: false, body: Readable.from([Buffer.from("foo")]) });

/** @returns what has come by now */
async function settledOf(asked: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const open = Symbol("open");
  await new Promise((resolve) => setImmediate(resolve));
  const all = await Promise.all(asked.map((one) => Promise.race([one, Promise.resolve(open)])));
  return all.filter((one) => one !== open);
}

describe("while a registry says nothing", () => {
  it("a machine is told after a while to come again", async () => {
    const { ask, late } = stage(hanging);
    const asked = ["GET", "HEAD"].map((method) => ask("192.0.2.1", { method }));
    expect(await settledOf(asked)).toEqual([]);
    late.abort();
    for (const one of await Promise.all(asked)) {
      expect(one).toMatchObject({ code: "BOOT_REGISTRY_SILENT", retry: { afterMs: 10_000 } });
    }
  });

  it("no more wait than there are places, and who comes from elsewhere has one of them", async () => {
    const { ask } = stage(hanging);
    const asked = Array.from({ length: 300 }, () => ask("192.0.2.1"));
    const refused = await settledOf(asked);
    expect(refused).toHaveLength(300 - 256);
    for (const one of refused) expect(one).toMatchObject({ code: "BOOT_BUSY" });
    const other = await ask("192.0.2.2", { path: "/boot/answers/kernel" });
    expect(other).toMatchObject({ status: 200 });
  });

  it("who has waited for long makes room, and who has gone waits no longer", async () => {
    const { ask, atMs } = stage(hanging);
    const gone = new AbortController();
    const asked = Array.from({ length: 256 }, () => ask("192.0.2.1", { signal: gone.signal }));
    atMs(10_000);
    const next = [ask("192.0.2.1")];
    const [first, ...more] = await settledOf(asked);
    expect(first).toMatchObject({ code: "BOOT_BUSY" });
    expect(more).toEqual([]);
    gone.abort();
    expect(await settledOf(asked)).toHaveLength(256);
    next.push(...Array.from({ length: 255 }, () => ask("192.0.2.1")));
    expect(await settledOf(next)).toEqual([]);
  });
});

it("A transfer that makes room before its first byte is told so at once, and what comes late is let go", async () => {
  const late = Promise.withResolvers<Awaited<ReturnType<FoundMedia["open"]>>>();
  const { desk, ask, atMs } = stage(() => Promise.resolve(mediaOf(() => late.promise)));
  const asked = Array.from({ length: 32 }, () => ask("192.0.2.1"));
  expect(await settledOf(asked)).toEqual([]);
  atMs(10_000);
  void ask("192.0.2.1");
  expect(await settledOf(asked)).toMatchObject([{ code: "BOOT_BUSY" }]);
  expect(desk.transfers).toBe(32);
  const body = Readable.from([Buffer.from("foo")]);
  late.resolve({ isPart: false, body });
  await settledOf(asked);
  expect(body.destroyed).toBe(true);
});

it("A file is given out as before", async () => {
  const { ask } = stage(() => Promise.resolve(mediaOf(opened)));
  const answer = await ask("192.0.2.1");
  expect(answer).toMatchObject({ status: 200, headers: { "content-length": "3" } });
  const body = typeof answer === "object" && answer !== null && "body" in answer ? answer.body : undefined;
  expect(body instanceof Readable && (await text(body))).toBe("foo");
});

it("A registry that has not answered yet is not asked a second time", async () => {
  let [nowMs, asked] = [0, 0];
  const find = mediaFinder({
    blobs: { send: () => new Promise(() => undefined), open: () => new Promise(() => undefined), nowMs: () => nowMs },
    settings: NO_REGISTRY_SETTINGS,
    imagePolicy: { rules: [], warnings: [] },
    verifyKeyless: () => Promise.reject(new Error("not asked")),
    onUnsigned: () => undefined,
    pullSecrets: () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  });
  void find(registration("one"));
  nowMs = 120_000;
  void find(registration("one"));
  expect(asked).toBe(1);
});
