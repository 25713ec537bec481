/** A pull that is broken off in whatever way: the next one loads the rest, also after containerd has collected its garbage. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { removeImage, type PullOptions } from "@rancheros/agent/containers";
import type { AgentOrder } from "../../../../../test/containerd/agent-process.ts";
import { buildImage, type Image } from "../../../../../test/registry/index.ts";
import { startImageGround, type ImageGround } from "./image-ground.ts";

const AGENT = fileURLToPath(new URL("../../../../../test/containerd/agent-process.ts", import.meta.url));
const MIB = 1024 * 1024;
const RATE = 6 * MIB;
const signal = new AbortController().signal;

let ground: ImageGround;
/** Of containerd's store: what is half there. */
let ingestFolder: string;

beforeAll(async () => {
  ground = await startImageGround("rest");
  ingestFolder = path.join(ground.folder, "c/root/io.containerd.content.v1.content/ingest");
});

afterEach(async () => {
  const names = (await ctr("images", "ls", "--quiet")).split("\n").filter((name) => name !== "");
  if (names.length > 0) await ctr("images", "rm", "--sync", ...names);
  for (const id of await leases()) await ctr("leases", "delete", "--sync", id);
});

afterAll(() => ground.stop());

function ctr(...args: string[]): Promise<string> {
  return ground.containerd.ctr(...args);
}

/** Two layers that do not compress; the second takes seconds at the rate of these tests. */
interface Large {
  readonly image: string;
  readonly built: Image;
  readonly first: string;
  readonly second: string;
  readonly secondBytes: number;
}

async function pushLarge(layerName?: string): Promise<Large> {
  const layers = [3, 16].map((size) => [{ path: `/${size}`, content: randomBytes(size * MIB) }]);
  const built = buildImage({ layers, layerName });
  const [, first = "", second = ""] = built.blobs.keys();
  const image = await ground.push("os/large", built);
  return { image, built, first, second, secondBytes: built.blobs.get(second)?.length ?? 0 };
}

function ingests(): readonly { readonly reference: string; readonly file: string; readonly bytes: number }[] {
  // Made by the first of them.
  if (!existsSync(ingestFolder)) return [];
  return readdirSync(ingestFolder).flatMap((name) => {
    try {
      const reference = readFileSync(path.join(ingestFolder, name, "ref"), "utf8");
      const file = path.join(ingestFolder, name, "data");
      return [{ reference, file, bytes: statSync(file).size }];
    } catch {
      // It has just come to its end, or its beginning.
      return [];
    }
  });
}

function half({ second }: Large): { readonly file: string; readonly bytes: number } {
  const found = ingests().filter(({ reference }) => reference.endsWith(second));
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** The first layer is there, and a part of the second. */
async function untilHalf(large: Large): Promise<void> {
  for (;;) {
    const bytes = ingests().find(({ reference }) => reference.endsWith(large.second))?.bytes ?? 0;
    const whole = await ctr("content", "ls", "--quiet");
    if (whole.includes(large.second)) throw new Error("the second layer came to its end before anybody looked");
    if (bytes > 2 * MIB && whole.includes(large.first)) return;
    await sleep(20);
  }
}

async function leases(): Promise<readonly string[]> {
  return (await ctr("leases", "ls", "--quiet")).split("\n").filter((id) => id !== "");
}

async function othersLeases(): Promise<readonly string[]> {
  return (await leases()).filter((id) => !id.startsWith("ros-agent-"));
}

/** As containerd does by itself whenever something was deleted. */
async function collect(): Promise<void> {
  await ctr("leases", "create", "--id", "collect", "--expires", "1h");
  await ctr("leases", "delete", "--sync", "collect");
}

/** No lease of a pull holds anything any more: those of killed ones run out after a day. */
async function loseOthersLeases(): Promise<void> {
  for (const id of await othersLeases()) await ctr("leases", "delete", id).catch(() => undefined);
}

/** containerd has given the pull up, and everything that nothing holds. @returns what is left of the second layer */
async function collectAfter(large: Large, brokenOffMs: number): Promise<number> {
  // Written when the file is closed; the kernel's clock for files is some milliseconds behind.
  const closed = path.join(path.dirname(half(large).file), "updatedat");
  while (statSync(closed).mtimeMs < brokenOffMs - 20) await sleep(10);
  await loseOthersLeases();
  await collect();
  expect((await ctr("content", "ls", "--quiet")).includes(large.first)).toBe(true);
  return half(large).bytes;
}

/** Leaves a part of the image, in that way. @returns when */
async function breakOff(large: Large, how: Break): Promise<number> {
  if (how.kind === "inside") {
    const abort = new AbortController();
    const pull = ground.pull(large.image, { bytesPerSecond: RATE, signal: abort.signal, ...how.options });
    const ended = expect(pull).rejects.toMatchObject({ code: how.code });
    await untilHalf(large);
    const brokenOffMs = Date.now();
    await how.act(abort);
    await ended;
    return brokenOffMs;
  }
  const { runtime, containers } = ground;
  const work = { kind: "pull", image: large.image, bytesPerSecond: RATE } as const;
  const order: AgentOrder = { runtime, runFolder: containers.runFolder, work };
  const agent = spawn(process.execPath, [AGENT, JSON.stringify(order)], { stdio: "ignore" });
  const ended = once(agent, "exit");
  await untilHalf(large);
  const brokenOffMs = Date.now();
  how.kill(agent);
  await ended;
  return brokenOffMs;
}

type Break =
  | {
      readonly kind: "inside";
      readonly code: string;
      readonly options?: Partial<PullOptions>;
      readonly act: (abort: AbortController) => unknown;
    }
  | { readonly kind: "outside"; readonly kill: (agent: ChildProcess) => void };

const KILLED: Break = { kind: "outside", kill: (agent) => agent.kill("SIGKILL") };
const BREAKS: readonly (readonly [string, Break])[] = [
  ["the agent is killed", KILLED],
  ["the agent is killed with all that it has started", { kind: "outside", kill: killAll }],
  ["it is broken off", { kind: "inside", code: "IMAGE_INTERRUPTED", act: (abort) => abort.abort() }],
  [
    "the registry is away for longer than anybody waits",
    { kind: "inside", code: "IMAGE_GAVE_UP", options: { patienceMs: 500 }, act: () => ground.registry.kill() },
  ],
];

/** As systemd does with a service. */
function killAll(agent: ChildProcess): void {
  const { pid = 0 } = agent;
  const started = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
  expect(started).toHaveLength(1);
  for (const one of [pid, ...started]) process.kill(one, "SIGKILL");
}

async function killContainerd(large: Large): Promise<void> {
  await breakOff(large, {
    kind: "inside",
    code: expect.stringMatching(/^CONTAINER_/) as string,
    act: () => ground.containerd.kill(),
  });
  await ground.containerd.start();
}

describe("a pull after one that did not come to its end", () => {
  it.each(BREAKS)("loads only the rest where %s", async (_, how) => {
    const large = await pushLarge();
    const brokenOffMs = await breakOff(large, how);
    if (how.kind === "inside" && how.code === "IMAGE_GAVE_UP") await ground.registry.start();
    const bytes = await collectAfter(large, brokenOffMs);
    const { transferredBytes } = await ground.pull(large.image);
    expect(transferredBytes).toBe(large.secondBytes - bytes);
    expect(await ctr("images", "check", `name==${large.image}`)).toMatch(/true\s*$/);
    expect(await leases()).toEqual([]);
    expect(ingests()).toEqual([]);
  });

  it("loads only the rest where containerd is killed, also when the lease of its own pull has run out", async () => {
    const large = await pushLarge();
    await killContainerd(large);
    await loseOthersLeases();
    await collect();
    const { bytes } = half(large);
    expect((await ground.pull(large.image)).transferredBytes).toBe(large.secondBytes - bytes);
  });

  it("loads only the rest however often it is broken off, and of layers that have names", async () => {
    const large = await pushLarge("upper");
    const before = await collectAfter(large, await breakOff(large, KILLED));
    const abort = new AbortController();
    const onProgress: PullOptions["onProgress"] = ({ kind }) => {
      if (kind === "bytes") abort.abort();
    };
    const brokenOffMs = Date.now();
    const second = ground.pull(large.image, { bytesPerSecond: RATE, signal: abort.signal, onProgress });
    await expect(second).rejects.toMatchObject({ code: "IMAGE_INTERRUPTED" });
    const bytes = await collectAfter(large, brokenOffMs);
    expect(await leases()).toEqual([expect.stringMatching(/^ros-agent-pull-[0-9a-f]{16}-2$/)]);
    expect(bytes).toBeGreaterThanOrEqual(before);
    expect((await ground.pull(large.image)).transferredBytes).toBe(large.secondBytes - bytes);
  });

  it("loads a layer anew whose beginning is damaged, whoever holds it, and disturbs nobody", async () => {
    const large = await pushLarge();
    await killContainerd(large);
    const held = await othersLeases();
    expect(held).toHaveLength(1);
    const { file, bytes } = half(large);
    flip(file);
    const { ctrProgram, socket, namespace } = ground.containerd;
    const place = ["--address", socket, "--namespace", namespace];
    const writer = spawn(ctrProgram, [...place, "content", "ingest", "theirs"]);
    writer.stdin.write(randomBytes(MIB));
    const other = await pushLarge();
    const beside = ground.pull(other.image, { bytesPerSecond: RATE });
    await untilHalf(other);
    const pulled = await ground.pull(large.image);
    expect(pulled.transferredBytes).toBe(large.secondBytes - bytes + large.secondBytes);
    expect(await ctr("images", "check", `name==${large.image}`)).toMatch(/true\s*$/);
    expect(ingests().map(({ reference }) => reference)).toContainEqual(expect.stringMatching(/theirs$/));
    expect(await leases()).toEqual(expect.arrayContaining([...held]));
    const config = other.built.blobs.values().next().value?.length ?? 0;
    expect((await beside).transferredBytes).toBe(other.built.layerBytes + config);
    const written = once(writer, "exit");
    writer.stdin.end();
    expect(await written).toEqual([0, null]);
    await ctr("leases", "delete", "--sync", ...held);
  });

  it("loads a layer anew that has become longer than it is", async () => {
    const large = await pushLarge();
    await killContainerd(large);
    appendFileSync(half(large).file, Buffer.alloc(20 * MIB));
    expect((await ground.pull(large.image)).transferredBytes).toBe(large.secondBytes);
  });

  it("never comes: whoever gives the image up leaves nothing of it", async () => {
    const large = await pushLarge();
    const tagged = large.image.replace("@", ":v1@");
    expect(await collectAfter(large, await breakOff({ ...large, image: tagged }, KILLED))).toBeGreaterThan(2 * MIB);
    const options = { image: large.image, isClaimed: true, signal };
    expect(await removeImage(ground.runtime, ground.containers, options)).toBe("absent");
    expect(await leases()).toEqual([]);
    expect(ingests()).toEqual([]);
    expect(await ctr("content", "ls", "--quiet")).toBe("");
  });
});

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
}
