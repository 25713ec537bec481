import { describe, expect, it } from "vitest";

import { chainId } from "../../../src/containers/containerd/chain-id.ts";
import {
  committedSnapshots,
  ingestedBytes,
  isImageRunnable,
  pluginRoot,
  imageUsers,
  storedImages,
} from "../../../src/containers/containerd/ctr-answers.ts";
import { mountArguments } from "../../../src/containers/containerd/mount-arguments.ts";
import { engineRunArguments } from "../../../src/containers/engine/engine-arguments.ts";
import { parseInspected, repoDigests, saysNoSuchImage } from "../../../src/containers/engine/engine-answers.ts";
import { checkSpace, neededBytes } from "../../../src/containers/storage-space.ts";
import { lastWords, toolFailure } from "../../../src/containers/tool-failure.ts";

/** Printed by ctr 2.4.2. */
const CHECK =
  "REF    TYPE    DIGEST     STATUS         SIZE            UNPACKED \n" +
  "a/b:1  t       sha256:aa  complete (2/2) 1.0 MiB/1.0 MiB true\na/b:2  t  sha256:bb  incomplete (1/2) 1.0 MiB/2.0 MiB false\n";
const PLUGINS =
  "Type:             io.containerd.content.v1\nID:               content\nExports:         \n                  root      /r/content\n" +
  "                               \nType:             io.containerd.snapshotter.v1\nID:               overlayfs\n" +
  "Platforms:        linux/amd64\nExports:         \n                  root      /r/overlayfs\n";

describe("ctr's answers", () => {
  it("tell images, and whether containers can be made of them", () => {
    expect(storedImages("REF TYPE DIGEST SIZE\na/b:1 t sha256:aa 1\n")).toEqual([
      { name: "a/b:1", digest: "sha256:aa" },
    ]);
    expect(() => storedImages("ctr: what?")).toThrow(/heading/);
    expect(imageUsers("CONTAINER    IMAGE    RUNTIME\nc1    a/b:1    runc\nc2    -    runc\n")).toEqual([
      { container: "c1", image: "a/b:1" },
      { container: "c2", image: "-" },
    ]);
    expect(() => imageUsers("ctr: what?")).toThrow(/heading/);
    expect([isImageRunnable(CHECK, "a/b:1"), isImageRunnable(CHECK, "a/b:2"), isImageRunnable(CHECK, "a/b")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("tell where layers are kept", () => {
    expect(pluginRoot(PLUGINS, "io.containerd.snapshotter.v1", "overlayfs")).toBe("/r/overlayfs");
    expect(pluginRoot(PLUGINS, "io.containerd.snapshotter.v1", "native")).toBeUndefined();
  });

  it("tell how an image is mounted, and nothing else is run", () => {
    expect(mountArguments("mount -t overlay overlay /t -o ro,lowerdir=/a:/b\n", "/t")).toEqual({
      args: ["-t", "overlay", "-o", "ro,lowerdir=/a:/b", "overlay", "/t"],
    });
    expect(mountArguments("mount -t bind /s /t -o rbind", "/t")).toEqual({ args: ["-o", "ro,rbind", "/s", "/t"] });
    for (const other of [
      "",
      "rm -rf /",
      "mount -t bind /s /elsewhere -o ro",
      "mount -t a b /t -o c\nmount -t a b /t -o c",
    ]) {
      expect(() => mountArguments(other, "/t")).toThrow(/no single mount/);
    }
  });

  it("are mounted from the folder that all layers are in, where one page holds them", () => {
    const root = "/var/lib/rancher/k3s/agent/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
    const layers = Array.from({ length: 127 }, (_, at) => `${100_000 + at}/fs`);
    const whole = `workdir=${root}/9/work,upperdir=${root}/9/fs,lowerdir=${layers.map((one) => `${root}/${one}`).join(":")},index=off`;
    const { args, cwd } = mountArguments(`mount -t overlay overlay /t -o ${whole}`, "/t");
    const short = `ro,workdir=${root}/9/work,upperdir=${root}/9/fs,lowerdir=${layers.join(":")},index=off`;
    expect({ args, cwd }).toEqual({ args: ["-t", "overlay", "-o", short, "overlay", "/t"], cwd: root });
    expect(args.join(" ").length).toBeLessThan(2_048);
  });

  it.each([
    ["in one and below it", "/a/b/c:/a/b", { args: "b/c:b", cwd: "/a" }],
    ["with names that begin alike", "/a/b1/fs:/a/b12/fs", { args: "b1/fs:b12/fs", cwd: "/a" }],
    ["with nothing in common", "/a/fs:/b/fs", { args: "/a/fs:/b/fs" }],
    [
      "with paths that nobody can take apart",
      String.raw`/a/b\:c/1:/a/b\:c/2`,
      { args: String.raw`/a/b\:c/1:/a/b\:c/2` },
    ],
    ["of one layer", "/a/fs", { args: "/a/fs" }],
  ])("are mounted %s", (_, folders, expected) => {
    const { args, ...place } = mountArguments(`mount -t overlay overlay /t -o ro,lowerdir=${folders}`, "/t");
    expect({ args: args[3], ...place }).toEqual({ ...expected, args: `ro,lowerdir=${expected.args}` });
  });
});

describe("chainId", () => {
  it("is the only layer's own, and the hash of all otherwise", () => {
    const [one, two] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`];
    expect(chainId([one])).toBe(one);
    // printf 'sha256:1…1 sha256:2…2' | sha256sum
    expect(chainId([one, two])).toBe("sha256:9932074217c35353d2e03a3f5a86549f7c67bfeb0ba53e23d69f4d4c8f7958f5");
  });
});

/** As documented in `docker container inspect`; podman's of the same fields is held by a real one. */
describe("answers of docker and its likes", () => {
  it.each([
    ["created", "created"],
    ["configured", "created"],
    ["running", "running"],
    ["paused", "running"],
    ["restarting", "running"],
    ["exited", "ended"],
    ["dead", "ended"],
  ])("take the status %s for %s", (status, expected) => {
    const printed = JSON.stringify([{ State: { Status: status, ExitCode: 3 }, Config: { Labels: { a: "b" } } }]);
    expect(parseInspected(printed)).toEqual({ status: expected, exitCode: 3, labels: { a: "b" } });
  });

  it("are refused where they are something else", () => {
    for (const printed of ["", "[]", "[{}]", '[{"State":{},"Config":{}}]']) {
      expect(() => parseInspected(printed)).toThrow(expect.objectContaining({ code: "CONTAINER_NONSENSE" }));
    }
    expect(repoDigests('[{"RepoDigests":["a/b@sha256:1"]}]')).toEqual(["sha256:1"]);
  });

  it("are asked for with bounded logs, never a pull, and the environment in a file", () => {
    const spec = {
      name: "ros-agent-x",
      run: "r",
      image: "i",
      command: ["/a", "b"],
      args: ["c"],
      env: { SECRET: "hidden" },
      hostRoot: "/",
    };
    const call = { spec, labels: { l: "v" }, folder: "/f", envFile: "/f/environment", files: [] };
    const args = engineRunArguments("docker", call, "rslave").join(" ");
    expect(args).toContain("--pull never --name ros-agent-x --privileged --network host --pid host --ipc host");
    expect(args).toContain(
      "--log-driver json-file --log-opt max-size=1m --log-opt max-file=2 --env-file /f/environment",
    );
    expect(args).toContain(
      "--mount type=bind,source=/,target=/host,bind-propagation=rslave --label l=v --entrypoint /a i b c",
    );
    expect(args).not.toContain("hidden");
  });
});

it.each([
  ["podman", "Error: example.com/os@sha256:1634: image not known", true],
  ["docker", "docker: Error response from daemon: No such image: example.com/os:ros-agent-sha256-1634.", true],
  [
    "nerdctl",
    'time="2026-01-01T00:00:00Z" level=fatal msg="image not available: \\"example.com/os@sha256:1634\\""',
    true,
  ],
  ["podman", "Error: crun: executable file `/x` not found in $PATH: No such file or directory", false],
])("saysNoSuchImage hears it from %s: %s", (_program, stderr, says) => {
  expect(saysNoSuchImage(stderr)).toBe(says);
});

describe("toolFailure", () => {
  it.each([
    ["CONTAINER_DISK_FULL", "ctr: failed to extract layer: write /x: no space left on device"],
    [
      "CONTAINER_RUNTIME_UNREACHABLE",
      'ctr: failed to dial "/run/x.sock": connection error: dial unix /run/x.sock: connect: connection refused',
    ],
    [
      "CONTAINER_PERMISSION",
      "ctr: failed to dial: dial unix /run/containerd/containerd.sock: connect: permission denied",
    ],
    [
      "CONTAINER_MOUNT_FAILED",
      'ctr: OCI runtime create failed: runc create failed: error mounting "/none" to rootfs at "/x": stat /none: no such file or directory: unknown',
    ],
    [
      "CONTAINER_MOUNT_FAILED",
      'docker: Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /none.',
    ],
    ["CONTAINER_MOUNT_FAILED", "Error: statfs /none: no such file or directory"],
    ["CONTAINER_COMMAND_MISSING", 'exec: "/none": stat /none: no such file or directory: unknown'],
    [
      "CONTAINER_IMAGE_WRONG",
      "failed commit on ref: unexpected commit digest sha256:a, expected sha256:b: failed precondition",
    ],
    ["CONTAINER_IMAGE_WRONG", "ctr: writer offset 34603008 exceeds expected size 25173667: failed precondition"],
    ["CONTAINER_RUNTIME_UNREACHABLE", "ctr: error reading from server: EOF"],
    ["CONTAINER_RUNTIME_FAILED", "ctr: something else"],
  ])("is %s for what the program says", (code, stderr) => {
    expect(toolFailure("x", { kind: "failed", exitCode: 1, stdout: Buffer.alloc(0), stderr })).toMatchObject({ code });
  });

  it("passes over warnings, and bounds what is told", () => {
    expect(lastWords('time="x" level=warning msg="old cgroups"\nctr: no\n')).toBe("ctr: no");
    expect(lastWords("x".repeat(10_000)).length).toBeLessThan(1_000);
  });
});

describe("checkSpace", () => {
  it("asks for room for the layers twice: as they come, and unpacked", () => {
    const need = { transferBytes: 1e9, unpackBytes: 1e9 };
    expect(neededBytes({ transferBytes: 0, unpackBytes: 0 })).toBe(0);
    expect(() => checkSpace({ path: "/", freeBytes: neededBytes(need) }, need)).not.toThrow();
    expect(() => checkSpace({ path: "/", freeBytes: 4e9 }, need)).toThrow(
      expect.objectContaining({ code: "CONTAINER_DISK_FULL" }),
    );
  });
});

describe("what ctr tells of an image's parts", () => {
  it("is how much of a layer has come, and never more than that", () => {
    const printed =
      "REF\tSIZE\tAGE\t\nlayer-sha256:a\t16.78MB\t3 seconds\t\nlayer-up@sha256:b\t512B\t1 second\t\n" +
      "layer-sha256:c\t1.234GB\tAbout a minute\t\nlayer-sha256:d\tlots\t1 second\t\nlayer-sha256:e\t0B\t1 second\t\n";
    const bytes = ingestedBytes(printed);
    expect([...bytes.keys()]).toEqual(["layer-sha256:a", "layer-up@sha256:b", "layer-sha256:c"]);
    // Printed of 16,777,216, which is less.
    expect(bytes.get("layer-sha256:a")).toBeLessThanOrEqual(16_777_216);
    expect(bytes.get("layer-sha256:a")).toBeGreaterThan(16_700_000);
    expect(ingestedBytes("")).toEqual(new Map());
  });

  it("is which layers are unpacked, and not what a container or a broken-off pull has made of them", () => {
    const printed =
      "KEY                  PARENT   KIND      \nsha256:a                      Committed \nsha256:b             sha256:a Committed \n" +
      "extract-1-x sha256:c sha256:b Active    \nros-agent-upgrade    sha256:b Active    \n";
    expect(committedSnapshots(printed)).toEqual(new Set(["sha256:a", "sha256:b"]));
  });
});
