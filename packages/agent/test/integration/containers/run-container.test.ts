import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import {
  findRuntime,
  removeContainer,
  runContainer,
  type ContainerEnding,
  type ContainerRuntime,
  type ContainerSpec,
  type OutputEvent,
  type RunOptions,
} from "@rancheros/agent/containers";
import { startContainerd, type TestContainerd } from "../../../../../test/containerd/index.ts";
import { buildOsImage, ociArchive } from "../../../../../test/registry/index.ts";
import { processArguments, watchArguments } from "./watch-arguments.ts";

const IMAGE = "registry.test/os:run";
const NAME = "ros-agent-test";

let folder: string;
let containerd: TestContainerd;
let runtime: ContainerRuntime;

beforeAll(async () => {
  folder = mkdtempSync("/tmp/ros-run-");
  containerd = await startContainerd({ folder: path.join(folder, "c") });
  const archive = path.join(folder, "image.tar");
  const image = buildOsImage({
    release: "A",
    upgradeScript: "#!/bin/sh\necho upgraded\n",
    config: { Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], Entrypoint: ["/bin/sh", "-c"], Cmd: ["echo by default"] },
  });
  writeFileSync(archive, ociArchive(image, IMAGE));
  await containerd.ctr("images", "import", "--snapshotter", "overlayfs", archive);
  const search = await findRuntime({
    hostRoot: "/",
    choice: { kind: "containerd", program: [containerd.ctrProgram], socket: containerd.socket, namespace: "k8s.io" },
  });
  if (search.kind === "missing") throw new Error("the test's containerd was not found");
  runtime = search.runtime;
});

afterAll(async () => {
  await containerd.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  expect(await containerd.leftovers()).toEqual([]);
  expect(
    readdirSync(folder)
      .filter((name) => name === "run")
      .flatMap((name) => readdirSync(path.join(folder, name))),
  ).toEqual([]);
});

function run(spec: Partial<ContainerSpec>, options: Partial<RunOptions> = {}): Promise<ContainerEnding> {
  return runContainer(
    runtime,
    { runFolder: path.join(folder, "run") },
    {
      spec: { name: NAME, run: "digest/1", image: IMAGE, ...spec },
      deadlineMs: 60_000,
      signal: new AbortController().signal,
      ...options,
    },
  );
}

function shell(script: string): Pick<ContainerSpec, "command" | "args"> {
  return { command: ["/bin/sh", "-c"], args: [script] };
}

describe("runContainer on a real containerd", () => {
  it("tells the exit code and the output of a container that ran to its end", async () => {
    const events: OutputEvent[] = [];
    const ending = await run(shell("echo one; echo two >&2; echo -n three; exit 7"), {
      onOutput: (event) => events.push(event),
    });
    expect(ending).toMatchObject({ kind: "exited", exitCode: 7, takenOver: false, skippedBytes: 0 });
    expect(ending.kind === "exited" && ending.lastLines.toSorted()).toEqual(["one", "three", "two"]);
    expect(events).toContainEqual({ kind: "line", stream: "stderr", text: "two" });
  });

  it("neither ends a container early nor lets it run on where somebody sets the clock meanwhile", async () => {
    const DAY_MS = 86_400_000;
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const begun = shell("echo begun; sleep 1; exit 7");
      const onOutput = (): void => void vi.setSystemTime(Date.now() + DAY_MS);
      expect(await run(begun, { onOutput })).toMatchObject({ kind: "exited", exitCode: 7 });
      const late = run(shell("echo begun; exec sleep 20"), {
        deadlineMs: 2_000,
        graceMs: 300,
        onOutput: () => void vi.setSystemTime(Date.now() - DAY_MS),
      });
      await expect(late).rejects.toMatchObject({ code: "CONTAINER_DEADLINE" });
    } finally {
      vi.useRealTimers();
    }
  });

  it("runs the image's own entrypoint and arguments, and replaces them as Kubernetes does", async () => {
    const last = async (spec: Partial<ContainerSpec>): Promise<readonly string[]> => {
      const ending = await run(spec);
      return ending.kind === "exited" ? ending.lastLines : [];
    };
    expect(await last({})).toEqual(["by default"]);
    expect(await last({ args: ["echo with arguments"] })).toEqual(["with arguments"]);
    expect(await last({ command: ["/bin/echo"], args: ["own", "command"] })).toEqual(["own command"]);
  });

  it("gives the host's namespaces, the host at /host, a writable root, and files that only root may read", async () => {
    const host = path.join(folder, "host");
    mkdirSync(path.join(host, "etc"), { recursive: true });
    writeFileSync(path.join(host, "etc/marker"), "of the host\n");
    const ending = await run({
      ...shell(
        "cat /host/etc/marker; echo written > /host/etc/from-container; echo x > /usr/written; cat /run/data/cloud-config; " +
          "busybox stat -c '%a %u' /run/data/cloud-config; for n in pid ipc net; do busybox readlink /proc/self/ns/$n; done; " +
          "cat /extra/marker; (echo y > /extra/new) 2>/dev/null || echo read-only; busybox grep CapEff /proc/self/status",
      ),
      hostRoot: host,
      files: [{ destination: "/run/data/cloud-config", content: "#cloud-config\n" }],
      mounts: [{ source: path.join(host, "etc"), destination: "/extra", readOnly: true }],
    });
    const own = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`);
    expect(ending.kind === "exited" && ending.lastLines).toEqual([
      "of the host",
      "#cloud-config",
      "600 0",
      own("pid"),
      own("ipc"),
      own("net"),
      "of the host",
      "read-only",
      expect.stringMatching(/^CapEff:\s*0*[1-9a-f][0-9a-f]{8,}$/),
    ]);
    expect(readFileSync(path.join(host, "etc/from-container"), "utf8")).toBe("written\n");
  });

  it("lets mounts that the container makes below /host reach the host, where the host shares its mounts", async () => {
    const shared = path.join(folder, "shared");
    mkdirSync(path.join(shared, "inner"), { recursive: true });
    execFileSync("mount", ["--bind", shared, shared]);
    try {
      execFileSync("mount", ["--make-shared", shared]);
      await run({
        ...shell("busybox mount -t tmpfs of-container /host/inner && echo seen > /host/inner/file"),
        hostRoot: shared,
      });
      expect(readFileSync(path.join(shared, "inner/file"), "utf8")).toBe("seen\n");
      execFileSync("umount", [path.join(shared, "inner")]);
    } finally {
      execFileSync("umount", [shared]);
    }
  });

  it("shows values of variables in no argument list, and gives them to the container", async () => {
    const canary = "canary-7f3a-with spaces, = and 'quotes'";
    const watched = watchArguments();
    const ending = await run({
      ...shell('echo "$SYSTEM_UPGRADE_NODE_NAME|$SECRET|$EMPTY|"; sleep 1'),
      env: { SYSTEM_UPGRADE_NODE_NAME: "node-1", SECRET: canary, EMPTY: "" },
    });
    const seen = watched.stop();
    expect(ending.kind === "exited" && ending.lastLines).toEqual([`node-1|${canary}||`]);
    expect(seen).toContain(NAME);
    expect(seen).not.toContain("canary-7f3a");
  });

  it("keeps the last lines of a container that prints a gigabyte, without growing in memory or on disk", async () => {
    let largest = 0;
    let told = 0;
    const host = path.join(folder, "flood");
    mkdirSync(host);
    writeFileSync(path.join(host, "16-mebibytes"), "0123456789abcde\n".repeat(1_048_576));
    const runs = path.join(folder, "run", NAME);
    const timer = setInterval(() => {
      largest = Math.max(largest, folderBytes(runs));
    }, 20);
    const before = process.memoryUsage().rss;
    const script = "i=0; while [ $i -lt 64 ]; do cat /host/16-mebibytes; i=$((i+1)); done; echo the end";
    const ending = await run(
      { ...shell(script), hostRoot: host },
      {
        onOutput: () => {
          told += 1;
        },
        keepLines: 3,
      },
    );
    clearInterval(timer);
    expect(ending).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(ending.kind === "exited" && ending.lastLines.at(-1)).toBe("the end");
    expect(ending.kind === "exited" && ending.lastLines).toHaveLength(3);
    expect(ending.kind === "exited" && ending.skippedBytes).toBeGreaterThan(500 * 1024 * 1024);
    expect(told).toBeGreaterThan(0);
    expect(largest).toBeLessThan(2 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  it("ends a container on abort with SIGTERM, and with SIGKILL where that does not help", async () => {
    const lines: string[] = [];
    const stubborn = "trap 'echo got it' TERM; echo ready; while true; do sleep 0.1; done";
    for (const script of ["trap 'echo got it; exit 3' TERM; echo ready; while true; do sleep 0.1; done", stubborn]) {
      const abort = new AbortController();
      const running = run(shell(script), {
        signal: abort.signal,
        graceMs: 500,
        onOutput: (event) => {
          if (event.kind === "line") lines.push(event.text);
          if (event.kind === "line" && event.text === "ready") abort.abort();
        },
      });
      await expect(running).rejects.toMatchObject({ code: "CONTAINER_INTERRUPTED", details: { lastLine: "got it" } });
    }
    expect(lines).toEqual(["ready", "got it", "ready", "got it"]);
  });

  it("ends a container, and what it started, at its deadline", async () => {
    const marker = `7${Date.now()}`;
    const running = run(shell(`sleep ${marker} & echo waiting; sleep ${marker}`), { deadlineMs: 1_500, graceMs: 300 });
    await expect(running).rejects.toMatchObject({ code: "CONTAINER_DEADLINE", details: { lastLine: "waiting" } });
    expect(processArguments().filter((args) => args.includes(marker))).toEqual([]);
  });

  it("says what is missing: the command, or the image", async () => {
    await expect(run({ command: ["/usr/sbin/no-such-program"] })).rejects.toMatchObject({
      code: "CONTAINER_COMMAND_MISSING",
    });
    await expect(run({ image: "registry.test/none:1" })).rejects.toMatchObject({ code: "CONTAINER_IMAGE_MISSING" });
  });

  it("makes the folder of a mount that the host does not have, and says which cannot be made", async () => {
    const source = path.join(folder, "new/deep");
    const mounts = [{ source, destination: "/data" }];
    expect(await run({ ...shell("echo kept > /data/file"), mounts })).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path.join(source, "file"), "utf8")).toBe("kept\n");
    expect([statSync(source).mode & 0o777, statSync(path.dirname(source)).mode & 0o777]).toEqual([0o755, 0o755]);
    expect(
      await run({ ...shell("cat /data"), mounts: [{ source: `${source}/file`, destination: "/data" }] }),
    ).toMatchObject({ exitCode: 0, lastLines: ["kept"] });
    const below = `${source}/file/more`;
    const refused = run({ ...shell("exit 0"), mounts: [{ source: below, destination: "/data" }] });
    await expect(refused).rejects.toMatchObject({
      code: "CONTAINER_MOUNT_FAILED",
      retry: "never",
      message: expect.stringContaining(below) as string,
    });
    // A folder onto a file of the image.
    const onto = run({ ...shell("exit 0"), mounts: [{ source, destination: "/usr/sbin/suc-upgrade" }] });
    await expect(onto).rejects.toMatchObject({ code: "CONTAINER_MOUNT_FAILED", retry: "never" });
  });

  it("leaves a container of the same name alone that it did not make", async () => {
    await containerd.ctr("run", "--detach", "--null-io", IMAGE, NAME, "/bin/sleep", "1000");
    try {
      await expect(run(shell("true"))).rejects.toMatchObject({ code: "CONTAINER_NAME_TAKEN" });
      expect(await containerd.ctr("tasks", "ls")).toMatch(new RegExp(`${NAME}\\s+\\d+\\s+RUNNING`));
    } finally {
      await containerd.ctr("tasks", "rm", "--force", NAME);
      await containerd.ctr("containers", "rm", NAME);
    }
  });

  it("takes a container over that runs on after its agent is gone, with the output that came meanwhile", async () => {
    const host = path.join(folder, "over");
    mkdirSync(host);
    const spec = { ...shell("echo first; echo run >> /host/runs; sleep 1.5; echo second; exit 5"), hostRoot: host };
    const leave = new AbortController();
    const first = await run(spec, { leave: leave.signal, onOutput: () => leave.abort() });
    expect(first).toEqual({ kind: "left-running" });
    const second = await run(spec);
    expect(second).toMatchObject({ kind: "exited", exitCode: 5, takenOver: true, lastLines: ["first", "second"] });
    expect(readFileSync(path.join(host, "runs"), "utf8")).toBe("run\n");
  });

  it("tells again how a run has ended that is asked for again, without its secrets, until the container is removed", async () => {
    const host = path.join(folder, "kept");
    mkdirSync(host);
    const spec = {
      ...shell("echo run >> /host/runs; exit 7"),
      hostRoot: host,
      env: { SECRET: "of the plan" },
      files: [{ destination: "/run/data/cloud-config", content: "of the plan" }],
    };
    const kept = { keepsResult: true };
    expect(await run(spec, kept)).toMatchObject({ kind: "exited", exitCode: 7, takenOver: false });
    expect(await containerd.leftovers()).toEqual([]);
    expect(readdirSync(path.join(folder, "run", NAME))).toEqual(["result"]);
    expect(await run(spec, kept)).toMatchObject({ kind: "exited", exitCode: 7, takenOver: true });
    expect(readFileSync(path.join(host, "runs"), "utf8")).toBe("run\n");
    expect(await run({ ...spec, run: "digest/2" }, kept)).toMatchObject({ exitCode: 7, takenOver: false });
    await removeContainer(runtime, { runFolder: path.join(folder, "run") }, NAME, 1_000);
    expect(await run({ ...spec, run: "digest/2" })).toMatchObject({ exitCode: 7, takenOver: false });
    expect(readFileSync(path.join(host, "runs"), "utf8")).toBe("run\nrun\nrun\n");
  });

  it("keeps no result of a run that was broken off: it is done anew", async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal, graceMs: 300, onOutput: () => abort.abort(), keepsResult: true };
    await expect(run(shell("echo ready; sleep 100"), options)).rejects.toMatchObject({ code: "CONTAINER_INTERRUPTED" });
    expect(await run(shell("exit 4"))).toMatchObject({ exitCode: 4, takenOver: false });
  });

  it("ends and removes what an earlier agent left of another run, before it starts its own", async () => {
    const host = path.join(folder, "other");
    mkdirSync(host);
    const leave = new AbortController();
    const old = shell("trap 'echo old ended >> /host/log; exit 0' TERM; echo ready; while true; do sleep 0.1; done");
    await run({ ...old, hostRoot: host }, { leave: leave.signal, onOutput: () => leave.abort() });
    const ending = await run({ ...shell("echo new >> /host/log"), hostRoot: host, run: "digest/2" });
    expect(ending).toMatchObject({ kind: "exited", exitCode: 0, takenOver: false });
    expect(readFileSync(path.join(host, "log"), "utf8")).toBe("old ended\nnew\n");
  });

  it("goes on watching while containerd is restarted", async () => {
    const started = Promise.withResolvers<void>();
    const running = run(shell("echo before; sleep 3; echo after; exit 4"), { onOutput: () => started.resolve() });
    await started.promise;
    await containerd.kill();
    await sleep(500);
    await containerd.start();
    expect(await running).toMatchObject({ kind: "exited", exitCode: 4, lastLines: ["before", "after"] });
  });
});

/** 0 for one that is not there; files may come and go meanwhile. */
function folderBytes(where: string): number {
  if (!existsSync(where)) return 0;
  const sizes = readdirSync(where).map(
    (name) => statSync(path.join(where, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
