/** A disk with room for what is missing of an image, and not for all of it once more. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { ContainerRuntime, PullOptions } from "@rancheros/agent/containers";
import { neededBytes } from "../../../src/containers/storage-space.ts";
import { startContainerd, type TestContainerd } from "../../../../../test/containerd/index.ts";
import { buildImage, type Image, type TarEntry } from "../../../../../test/registry/index.ts";
import { pullThrough, startImageGround, type ImageGround } from "./image-ground.ts";

const MIB = 1024 * 1024;
/** containerd's own database, and sizes that are rounded. */
const SLACK_BYTES = 2 * MIB;

let ground: ImageGround;
let disk: string;
let containerd: TestContainerd;
let runtime: ContainerRuntime;

beforeAll(async () => {
  ground = await startImageGround("room");
  disk = path.join(ground.folder, "d");
});

beforeEach(async () => {
  mkdirSync(disk, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1g", "tmpfs", disk]);
  containerd = await startContainerd({ folder: disk });
  runtime = { ...ground.runtime, socket: containerd.socket };
});

afterEach(async () => {
  await containerd.stop();
  execFileSync("umount", [disk]);
});

afterAll(() => ground.stop());

function layer(sizeMib: number): readonly TarEntry[] {
  return [{ path: `/${randomBytes(4).toString("hex")}`, content: randomBytes(sizeMib * MIB) }];
}

function pull(image: string, more: Partial<PullOptions> = {}): ReturnType<typeof pullThrough> {
  return pullThrough(runtime, ground.containers, image, more);
}

/** From now on there is so much room beside what is there. */
function leaveFree(bytes: number): void {
  const used = Number(execFileSync("df", ["--block-size=1", "--output=used", disk]).toString().split("\n")[1]);
  execFileSync("mount", ["-o", `remount,size=${used + bytes}`, disk]);
}

/** The layers from that one on, of which so much is there. */
function restOf({ blobs }: Image, from: number, thereBytes = 0): { transferBytes: number; unpackBytes: number } {
  const [, ...layers] = [...blobs.values()];
  const unpackBytes = layers.slice(from).reduce((sum, { length }) => sum + length, 0);
  return { transferBytes: unpackBytes - thereBytes, unpackBytes };
}

describe("a disk that has room for the rest of an image", () => {
  it("takes the rest of a layer whose beginning has come", async () => {
    const built = buildImage({ layers: [layer(32)] });
    const image = await ground.push("os/half", built);
    const abort = new AbortController();
    let comeBytes = 0;
    const onProgress: PullOptions["onProgress"] = (progress) => {
      if (progress.kind === "bytes") comeBytes = progress.doneBytes;
      if (comeBytes > 24 * MIB) abort.abort();
    };
    const first = pull(image, { bytesPerSecond: 16 * MIB, signal: abort.signal, onProgress });
    await expect(first).rejects.toMatchObject({ code: "IMAGE_INTERRUPTED" });
    leaveFree(neededBytes(restOf(built, 0, 16 * MIB)) + SLACK_BYTES);
    expect(await pull(image)).toMatchObject({ wasThere: false });
    expect((await containerd.ctr("images", "check", `name==${image}`)).trim()).toMatch(/true$/);
  });

  it("takes what an image has beyond one that is there", async () => {
    const base = layer(16);
    const before = buildImage({ layers: [base] });
    await pull(await ground.push("os/base", before));
    const built = buildImage({ layers: [base, layer(1)] });
    const image = await ground.push("os/more", built);
    leaveFree(neededBytes(restOf(built, 1)) + SLACK_BYTES);
    expect(await pull(image)).toMatchObject({ wasThere: false });
    expect((await containerd.ctr("images", "check", `name==${image}`)).trim()).toMatch(/true$/);
  });

  it("takes no image that is there compressed only, where it cannot be unpacked", async () => {
    const built = buildImage({ layers: [layer(16)] });
    const image = await ground.push("os/packed", built);
    const place = ["--plain-http", "--platform", "linux/amd64"];
    await containerd.ctr("content", "fetch", ...place, image);
    leaveFree(neededBytes(restOf(built, 0, 16 * MIB)) - SLACK_BYTES);
    await expect(pull(image)).rejects.toMatchObject({ code: "CONTAINER_DISK_FULL" });
    leaveFree(neededBytes(restOf(built, 0, 16 * MIB)) + SLACK_BYTES);
    expect(await pull(image)).toMatchObject({ wasThere: false });
  });
});
