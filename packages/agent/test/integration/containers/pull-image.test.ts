import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { pullImage, runContainer, type ContainerRuntime, type PullProgress } from "@rancheros/agent/containers";
import { NO_REGISTRIES } from "@rancheros/agent/images";
import { parseImagePolicy } from "@rancheros/protocol/signatures";
import { startContainerd, type TestContainerd } from "../../../../../test/containerd/index.ts";
import {
  buildImage,
  buildIndex,
  buildOsImage,
  busyboxLayer,
  ociArchive,
  type Image,
  type TestRegistry,
} from "../../../../../test/registry/index.ts";
import { keySigner, pushSignatures, simpleSigning } from "../../../../../test/sigstore/index.ts";
import { push, startImageGround, type ImageGround } from "./image-ground.ts";

const MIB = 1024 * 1024;

let ground: ImageGround;
let folder: string;
let containerd: TestContainerd;
let registry: TestRegistry;
let runtime: ContainerRuntime;
let pull: ImageGround["pull"];

beforeAll(async () => {
  ground = await startImageGround("pull");
  ({ folder, containerd, registry, runtime, pull } = ground);
});

afterAll(() => ground.stop());

/** An image whose upper layer does not compress. */
function largeImage(bytes: number): Image {
  return buildImage({ layers: [busyboxLayer(), [{ path: "/large", content: randomBytes(bytes) }]] });
}

describe("pullImage into a real containerd from a real registry", () => {
  it("stores the image of that digest, ready to run, and asks no registry for it again", async () => {
    const image = await push(registry, buildOsImage({ release: "A", upgradeScript: undefined }));
    const progress: PullProgress[] = [];
    const pulled = await pull(image, { onProgress: (one) => progress.push(one) });
    expect(pulled).toMatchObject({ name: image, digest: image.split("@")[1], wasThere: false });
    expect(progress[0]).toMatchObject({ kind: "described", layers: 2 });
    expect(progress.at(-1)).toMatchObject({ kind: "bytes", doneBytes: pulled.transferredBytes });
    expect(await containerd.ctr("images", "ls", `name==${image}`)).toContain("io.cri-containerd.pinned=pinned");
    const ending = await runContainer(
      runtime,
      { runFolder: path.join(folder, "run") },
      {
        spec: { name: "ros-agent-pulled", run: "1", image, command: ["/bin/cat", "/usr/lib/rancheros-release"] },
        deadlineMs: 30_000,
        signal: new AbortController().signal,
      },
    );
    expect(ending).toMatchObject({ kind: "exited", exitCode: 0, lastLines: ["A"] });
    await registry.kill();
    try {
      expect(await pull(image)).toEqual({ name: image, digest: pulled.digest, wasThere: true, transferredBytes: 0 });
    } finally {
      await registry.start();
    }
  });

  it("takes this machine's image out of an index, and loads nothing of the others", async () => {
    const own = buildImage({ layers: [busyboxLayer()] });
    const other = buildImage({
      layers: [[{ path: "/large", content: randomBytes(MIB) }]],
      platform: { os: "linux", architecture: "s390x" },
    });
    const image = await push(registry, buildIndex([other, own]), "os/many");
    expect((await pull(image)).transferredBytes).toBeLessThan(own.layerBytes + 10_000);
    expect(await containerd.ctr("images", "check", `name==${image}`)).toMatch(/true\s*$/);
  });

  it("takes an image that was imported under another name, without any registry", async () => {
    const built = buildOsImage({ release: "imported", upgradeScript: undefined });
    const archive = path.join(folder, "imported.tar");
    writeFileSync(archive, ociArchive(built, "airgap.test/os:v7"));
    await containerd.ctr("images", "import", archive);
    const image = `registry.invalid/os@${built.descriptor.digest}`;
    expect(await pull(image)).toMatchObject({ name: image, wasThere: true });
    expect(await containerd.ctr("images", "ls", `name==${image}`)).toContain(built.descriptor.digest);
  });

  it("looks for a signature also of an image that is there, where a policy wants one, and not where none does", async () => {
    const image = await push(registry, buildOsImage({ release: "stored", upgradeScript: undefined }), "os/stored");
    const { digest } = await pull(image);
    const signer = keySigner();
    const rule = { images: [`${registry.host}/os/*`], require: [{ publicKey: signer.pem }] };
    const policies = [parseImagePolicy([rule], "policy.yaml")];
    await expect(pull(image, { policies })).rejects.toMatchObject({ code: "SIGNATURE_MISSING" });
    const warning = [parseImagePolicy([{ ...rule, mode: "warn" }], "policy.yaml")];
    const told: string[] = [];
    const onProgress = (progress: PullProgress): number => told.push(progress.kind);
    expect(await pull(image, { policies: warning, onProgress })).toMatchObject({ wasThere: true });
    expect(told).toEqual(["unsigned"]);
    await pushSignatures(registry, "os/stored", digest, [simpleSigning(signer, `${registry.host}/os/stored`, digest)]);
    expect(await pull(image, { policies })).toMatchObject({ digest, wasThere: true, transferredBytes: 0 });
  });

  it("goes on in the middle of a layer when the registry dies there and comes back", async () => {
    const built = largeImage(24 * MIB);
    const image = await push(registry, built, "os/dying");
    const retries: string[] = [];
    let killed: Promise<void> | undefined;
    const pulled = await pull(image, {
      bytesPerSecond: 12 * MIB,
      onProgress(progress) {
        if (progress.kind === "retry") retries.push(progress.code);
        if (progress.kind !== "bytes" || progress.doneBytes < built.layerBytes / 2) return;
        killed ??= registry
          .kill()
          .then(() => sleep(1_000))
          .then(() => registry.start());
      },
    });
    await killed;
    expect(retries).toContain("IMAGE_REGISTRY_UNREACHABLE");
    // Not a byte twice: configuration and layers, each once.
    expect(pulled.transferredBytes).toBeLessThanOrEqual(built.layerBytes + 2_000);
  });

  it("is broken off at once, keeps what has come, and loads only the rest the next time", async () => {
    const built = largeImage(24 * MIB);
    const image = await push(registry, built, "os/aborted");
    const abort = new AbortController();
    let before = 0;
    const first = pull(image, {
      bytesPerSecond: 12 * MIB,
      signal: abort.signal,
      onProgress(progress) {
        if (progress.kind !== "bytes") return;
        before = progress.doneBytes;
        if (before > built.layerBytes / 2) abort.abort();
      },
    });
    await expect(first).rejects.toMatchObject({ code: "IMAGE_INTERRUPTED" });
    const second = await pull(image);
    expect(before + second.transferredBytes).toBeLessThan(built.layerBytes + 4 * MIB);
  });

  it("says before it loads anything that the runtime's disk is too small", async () => {
    const small = path.join(folder, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", small]);
    const other = await startContainerd({ folder: small });
    try {
      const image = await push(registry, largeImage(MIB), "os/too-large");
      const there = { ...runtime, socket: other.socket };
      const progress: PullProgress[] = [];
      const onProgress = (one: PullProgress): number => progress.push(one);
      const options = {
        image,
        registries: NO_REGISTRIES,
        policies: [],
        signal: new AbortController().signal,
        onProgress,
      };
      await expect(pullImage(there, { runFolder: path.join(folder, "run") }, options)).rejects.toMatchObject({
        code: "CONTAINER_DISK_FULL",
        details: { path: expect.stringContaining(small) as string },
      });
      expect(progress.map(({ kind }) => kind)).toEqual(["described"]);
    } finally {
      await other.stop();
      execFileSync("umount", [small]);
    }
  });

  it("keeps to the rate that is set", async () => {
    const image = await push(registry, largeImage(3 * MIB), "os/slow");
    const began = performance.now();
    await pull(image, { bytesPerSecond: 2 * MIB });
    expect(performance.now() - began).toBeGreaterThan(1_200);
  });

  it("says that the registry has no such image, or only one for other machines", async () => {
    const nothing = `${registry.host}/os/none@sha256:${"a".repeat(64)}`;
    await expect(pull(nothing)).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    const foreign = buildImage({ layers: [busyboxLayer()], platform: { os: "linux", architecture: "s390x" } });
    const wrong = { code: "IMAGE_WRONG_PLATFORM", details: { image: "linux/s390x" } };
    await expect(pull(await push(registry, foreign, "os/foreign"))).rejects.toMatchObject(wrong);
    await expect(pull(await push(registry, buildIndex([foreign]), "os/foreign"))).rejects.toMatchObject(wrong);
  });

  it("refuses a tag: what it leads to may change between two nodes", async () => {
    await expect(pull(`${registry.host}/os/base:v1`)).rejects.toMatchObject({ code: "IMAGE_UNPINNED" });
  });

  it("gives up where nothing comes, and says why", async () => {
    const gone = "127.0.0.1:1/os/base@sha256:" + "b".repeat(64);
    await expect(pull(gone, { patienceMs: 3_000 })).rejects.toMatchObject({
      code: "IMAGE_GAVE_UP",
      details: { lastCode: "IMAGE_REGISTRY_UNREACHABLE" },
    });
  });

  it("notices content that is not what the digest names, and loads the right one afterwards", async () => {
    const built = largeImage(MIB);
    const image = await push(registry, built, "os/damaged");
    const layer = [...built.blobs.keys()].at(-1) ?? "";
    const file = path.join(
      folder,
      "r/storage/docker/registry/v2/blobs/sha256",
      layer.slice(7, 9),
      layer.slice(7),
      "data",
    );
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[bad.length >> 1]! ^= 1;
    writeFileSync(file, bad);
    await expect(pull(image)).rejects.toMatchObject({ code: "IMAGE_DIGEST_WRONG" });
    writeFileSync(file, good);
    expect(await pull(image)).toMatchObject({ wasThere: false });
  });
});
