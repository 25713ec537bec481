/** Images that this program has brought go with all that they took; those of others stay and run. */
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import {
  ownImages,
  readImageFiles,
  removeImage,
  runContainer,
  type ContainerRuntime,
  type ImageRemoval,
  type PullOptions,
} from "@rancheros/agent/containers";
import type { TestContainerd } from "../../../../../test/containerd/index.ts";
import { buildImage, busyboxLayer, ociArchive, type Image } from "../../../../../test/registry/index.ts";
import { startImageGround, type ImageGround } from "./image-ground.ts";

const signal = new AbortController().signal;

let ground: ImageGround;
let folder: string;
let containerd: TestContainerd;
let runtime: ContainerRuntime;

beforeAll(async () => {
  ground = await startImageGround("rmi");
  ({ folder, containerd, runtime } = ground);
});

afterEach(async () => {
  const names = (await containerd.ctr("images", "ls", "--quiet")).split("\n").filter((name) => name !== "");
  if (names.length > 0) await containerd.ctr("images", "rm", "--sync", ...names);
});

afterAll(() => ground.stop());

const containers = () => ground.containers;

function pull(image: string, options: Partial<PullOptions> = {}): ReturnType<ImageGround["pull"]> {
  return ground.pull(image, options);
}

function remove(image: string, isClaimed = false): Promise<ImageRemoval> {
  return removeImage(runtime, containers(), { image, isClaimed, signal });
}

const layer = () => [{ path: "/own", content: randomBytes(64 * 1024) }];

/** Like no other, but for the layer of its programs. */
function freshImage(): Image {
  return buildImage({ layers: [busyboxLayer(), layer()] });
}

function push(image: Image): Promise<string> {
  return ground.push("os/removed", image);
}

async function importAs(image: Image, name: string): Promise<void> {
  const archive = path.join(folder, "imported.tar");
  writeFileSync(archive, ociArchive(image, name));
  await containerd.ctr("images", "import", archive);
}

async function stored(): Promise<{ readonly content: string; readonly snapshots: string; readonly images: string }> {
  const [content, snapshots, images] = await Promise.all([
    containerd.ctr("content", "ls", "--quiet"),
    containerd.ctr("snapshots", "ls"),
    containerd.ctr("images", "ls", "--quiet"),
  ]);
  return { content, snapshots: snapshots.split("\n").slice(1).join(""), images };
}

async function output(image: string): Promise<unknown> {
  return runContainer(runtime, containers(), {
    spec: { name: "ros-agent-other", run: "1", image, command: ["/bin/echo", "runs"] },
    deadlineMs: 30_000,
    signal,
  });
}

describe("removeImage of a real containerd", () => {
  it("takes the image with its content and snapshots, and finds nothing the next time", async () => {
    const image = await push(freshImage());
    await pull(image);
    expect(await ownImages(runtime, containers(), signal)).toEqual([image]);
    expect((await stored()).content).not.toBe("");
    expect(await remove(image)).toBe("removed");
    expect(await stored()).toEqual({ content: "", snapshots: "", images: "" });
    expect(await ownImages(runtime, containers(), signal)).toEqual([]);
    expect(await remove(image)).toBe("absent");
  });

  it("leaves an image that was there before, and says before a pull what will be its own", async () => {
    const built = freshImage();
    const image = await push(built);
    const told: string[] = [];
    const onOwn = async (): Promise<void> => {
      told.push((await containerd.ctr("images", "ls", "--quiet")).trim());
    };
    await importAs(built, image);
    expect(await pull(image, { onOwn })).toMatchObject({ wasThere: true });
    expect(told).toEqual([]);
    expect(await remove(image)).toBe("foreign");
    expect((await stored()).images.trim()).toBe(image);
    await containerd.ctr("images", "rm", "--sync", image);
    await pull(image, { onOwn });
    expect(told).toEqual([""]);
  });

  it("leaves others' images of the same layers, whole and fit to run", async () => {
    const own = layer();
    const [ours, theirs] = [freshImage(), buildImage({ layers: [busyboxLayer(), own] })];
    await importAs(theirs, "airgap.test/theirs:v1");
    await importAs(ours, "airgap.test/same:v1");
    const same = await push(ours);
    const shared = await push(buildImage({ layers: [busyboxLayer(), own, layer()] }));
    expect(await pull(same)).toMatchObject({ wasThere: true });
    await pull(shared);
    expect(await ownImages(runtime, containers(), signal)).toEqual([same, shared].toSorted());
    expect([await remove(same), await remove(shared)]).toEqual(["removed", "removed"]);
    expect((await stored()).images.trim().split("\n").toSorted()).toEqual([
      "airgap.test/same:v1",
      "airgap.test/theirs:v1",
    ]);
    for (const image of ["airgap.test/same:v1", "airgap.test/theirs:v1"]) {
      expect(await output(image)).toMatchObject({ exitCode: 0, lastLines: ["runs"] });
    }
  });

  it("leaves names that somebody has given it, with its label, and goes on removing", async () => {
    const [first, second] = [await push(freshImage()), await push(freshImage())];
    await pull(first);
    await pull(second);
    const copies = ["team.test/copy:v1", "team.test/Copy"];
    for (const copy of copies) {
      await containerd.ctr("images", "tag", "--local", "--skip-reference-check", first, copy);
      expect(await containerd.ctr("images", "ls", `name==${copy}`)).toContain("managed-by=ros-agent");
    }
    expect((await ownImages(runtime, containers(), signal)).toSorted()).toEqual([first, second].toSorted());
    expect([await remove(first), await remove(second)]).toEqual(["removed", "removed"]);
    expect((await stored()).images.trim().split("\n").toSorted()).toEqual(copies.toSorted());
  });

  it("leaves what somebody's container is made of to the node", async () => {
    const image = await push(freshImage());
    await pull(image);
    await containerd.ctr("containers", "create", image, "ros-agent-left", "/bin/sh");
    expect(await remove(image)).toBe("in-use");
    expect(await ownImages(runtime, containers(), signal)).toEqual([image]);
    await containerd.ctr("containers", "rm", "ros-agent-left");
    await containerd.ctr("containers", "create", image, "theirs", "/bin/sh");
    expect(await remove(image)).toBe("in-use");
    const row = await containerd.ctr("images", "ls", `name==${image}`);
    expect(row).not.toMatch(/pinned|managed-by/);
    await containerd.ctr("containers", "rm", "theirs");
  });

  it("takes what a killed reader of its files holds, and what the CRI plugin has noted of it", async () => {
    const built = freshImage();
    const image = await push(built);
    await pull(image);
    await readImageFiles(runtime, containers(), { image, paths: ["/own"], maxBytes: 100_000 });
    const [top] = (await containerd.ctr("snapshots", "ls"))
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([key, parent]) => key !== "KEY" && parent?.startsWith("sha256:") === true);
    const key = `ros-agent-read-${createHash("sha256").update(image).digest("hex").slice(0, 16)}`;
    await containerd.ctr("snapshots", "view", key, top?.[0] ?? "");
    await containerd.ctr("leases", "create", "--id", key.replace("read", "pull"), "--expires", "1h");
    await containerd.ctr("images", "tag", image, `sha256:${"c".repeat(64)}`);
    expect(await remove(image)).toBe("removed");
    expect(await stored()).toEqual({ content: "", snapshots: "", images: "" });
    expect(await containerd.ctr("leases", "ls", "--quiet")).toBe("");
  });

  it("takes what was named and not yet marked only where somebody knows that it is its own", async () => {
    const built = freshImage();
    const image = await push(built);
    await importAs(built, "airgap.test/os:v1");
    await containerd.ctr("images", "tag", "airgap.test/os:v1", image);
    expect(await remove(image)).toBe("foreign");
    expect(await remove(image, true)).toBe("removed");
    await containerd.ctr("images", "tag", "airgap.test/os:v1", image);
    expect(await pull(image, { isOwn: true })).toMatchObject({ wasThere: true });
    expect(await remove(image)).toBe("removed");
    expect((await stored()).images.trim()).toBe("airgap.test/os:v1");
  });
});
