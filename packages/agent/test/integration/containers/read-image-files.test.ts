import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readImageFiles, type ContainerRuntime, type ImageFiles } from "@rancheros/agent/containers";
import { startContainerd, type TestContainerd } from "../../../../../test/containerd/index.ts";
import { buildImage, buildOsImage, ociArchive, type Image } from "../../../../../test/registry/index.ts";

const IMAGE = "registry.test/os:read";

let folder: string;
let containerd: TestContainerd;
let runtime: ContainerRuntime;

beforeAll(async () => {
  folder = mkdtempSync("/tmp/ros-read-");
  containerd = await startContainerd({
    folder: path.join(folder, "c"),
    root: "var/lib/rancher/k3s/agent/containerd",
  });
  const { ctrProgram, socket, namespace } = containerd;
  runtime = { kind: "containerd", origin: "set", program: [ctrProgram], socket, namespace, snapshotter: undefined };
  const image = buildOsImage({
    release: "IMAGE=os:v2\n",
    upgradeScript: "#!/bin/sh\n",
    files: [
      { path: "/etc/os-release", symlink: "/usr/lib/os-release" },
      { path: "/usr/lib/os-release", content: "ID=rancheros\n" },
      { path: "/etc/outside", symlink: "../../../../../../../etc/hostname" },
      { path: "/etc/circle", symlink: "circle" },
      { path: "/etc/large", content: Buffer.alloc(100_000) },
    ],
  });
  await importAs(image, IMAGE);
});

afterAll(async () => {
  await containerd.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function importAs(image: Image, name: string): Promise<void> {
  const archive = path.join(folder, "image.tar");
  writeFileSync(archive, ociArchive(image, name));
  await containerd.ctr("images", "import", archive);
}

function read(...paths: readonly string[]): Promise<ImageFiles> {
  return readOf(IMAGE, paths);
}

function readOf(image: string, paths: readonly string[]): Promise<ImageFiles> {
  return readImageFiles(runtime, { runFolder: path.join(folder, "run") }, { image, paths, maxBytes: 64 * 1024 });
}

describe("readImageFiles of a real containerd", () => {
  it("reads files, follows links inside of the image, and says what is not there", async () => {
    const files = await read(
      "/usr/lib/rancheros-release",
      "/etc/os-release",
      "/usr/sbin/suc-upgrade",
      "/nothing",
      "/etc",
    );
    const text = (name: string): unknown => {
      const file = files.get(name);
      return file?.kind === "file" ? [file.content.toString("utf8"), file.executable] : file?.kind;
    };
    expect(text("/usr/lib/rancheros-release")).toEqual(["IMAGE=os:v2\n", false]);
    expect(text("/etc/os-release")).toEqual(["ID=rancheros\n", false]);
    expect(text("/usr/sbin/suc-upgrade")).toEqual(["#!/bin/sh\n", true]);
    expect(text("/nothing")).toBe("absent");
    expect(text("/etc")).toBe("other");
  });

  it("never leaves the image, whatever its links say", async () => {
    const files = await read("/etc/outside", "/etc/circle", "/../../etc/hostname");
    expect([...files.values()]).toEqual([{ kind: "absent" }, { kind: "absent" }, { kind: "absent" }]);
  });

  it("reads an image of so many layers that their paths do not fit into one mount", async () => {
    const paths = Array.from({ length: 80 }, (_, at) => `/layers/${at}`);
    const layers = paths.map((name) => [{ path: name, content: name }]);
    await importAs(buildImage({ layers }), "registry.test/deep:v1");
    const files = await readOf("registry.test/deep:v1", paths);
    const contents = [...files.values()].map((file) => file.kind === "file" && file.content.toString());
    expect(contents).toEqual(paths);
  });

  it("refuses a file that is too large, and a missing image", async () => {
    await expect(read("/etc/large")).rejects.toMatchObject({ code: "CONTAINER_FILE_TOO_LARGE" });
    const runFolder = path.join(folder, "run");
    await expect(
      readImageFiles(runtime, { runFolder }, { image: "registry.test/none:1", paths: ["/etc"], maxBytes: 10 }),
    ).rejects.toMatchObject({ code: "CONTAINER_IMAGE_MISSING" });
  });

  it("loses nothing to a collection of garbage that comes while it reads", async () => {
    const over = new AbortController();
    const collecting = (async () => {
      for (let round = 0; !over.signal.aborted; round++) {
        await containerd.ctr("leases", "create", "--id", `garbage-${round}`);
        await containerd.ctr("leases", "delete", "--sync", `garbage-${round}`);
      }
    })();
    try {
      for (let round = 0; round < 4; round++) {
        expect((await read("/etc/os-release")).get("/etc/os-release")).toMatchObject({ kind: "file" });
      }
    } finally {
      over.abort();
      await collecting;
    }
  });

  it("leaves no mount, snapshot, lease or folder behind", async () => {
    await read("/etc/os-release");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(path.join(folder, "run"));
    expect(await containerd.leftovers()).toEqual([]);
    expect(await containerd.ctr("leases", "ls", "--quiet")).toBe("");
    expect(readdirSync(path.join(folder, "run"))).toEqual([]);
  });
});
