/** A real containerd with folders and a socket of its own, and Debian's runc: started, killed and started again by tests. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import { findContainerdBinaries } from "./binaries.ts";
import { unmountBelow } from "./unmount-below.ts";

const run = promisify(execFile);

const READY_DEADLINE_MS = 30_000;
const STOP_GRACE_MS = 10_000;
const MAX_PRINTED_BYTES = 16 * 1024 * 1024;
/** OVERLAYFS_SUPER_MAGIC of linux/magic.h: no overlay can have its upper folder on another. */
export const OVERLAY_MAGIC = 0x794c7630;

export interface TestContainerd {
  readonly socket: string;
  readonly namespace: string;
  /** ctr of the same version. */
  readonly ctrProgram: string;
  /** What ctr prints on stdout. @throws where it ends with anything but 0 */
  readonly ctr: (...args: string[]) => Promise<string>;
  /** Names of all that is left of containers: containers, tasks and snapshots that are not of images. */
  readonly leftovers: () => Promise<readonly string[]>;
  /** Containers go on, as with a restart of k3s. */
  readonly kill: () => Promise<void>;
  /** With all containers, and all that lies in memory. */
  readonly losePower: () => Promise<void>;
  /** Gives it back at the same socket, with what it had. */
  readonly start: () => Promise<void>;
  /** Ends all containers and containerd. */
  readonly stop: () => Promise<void>;
}

export interface ContainerdOptions {
  /** Holds everything, made when missing; short, as sockets lie in it. Removing it afterwards is the caller's. */
  readonly folder: string;
  /** Below the folder: where images are kept, as deep as a node has them. */
  readonly root?: string;
  /** In which its user makes containers: that of Kubernetes, where nothing is said. */
  readonly namespace?: string;
  /** Lines of shell that run before each runc, with its arguments as "$@". */
  readonly beforeRunc?: string;
}

/**
 * Says loudly what is missing: these tests run containers, which needs root, mounts and cgroups.
 * @throws Error  not root, no runc, a folder on an overlay, or containerd did not come up; the message carries its log's end
 */
export async function startContainerd(options: ContainerdOptions): Promise<TestContainerd> {
  if (process.getuid?.() !== 0) throw new Error("tests that run containers need root: run them with sudo");
  const { namespace = "k8s.io" } = options;
  const folder = path.resolve(options.folder);
  const binaries = await findContainerdBinaries();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await statfs(folder)).type === OVERLAY_MAGIC) {
    throw new Error(
      `${folder} lies on an overlay, on which containerd cannot put layers: give this container a volume at /tmp`,
    );
  }
  const socket = path.join(folder, "containerd.sock");
  const configuration = path.join(folder, "config.toml");
  await writeFile(configuration, configurationText(folder, socket, options.root));
  const ownPrograms = path.join(folder, "bin");
  await mkdir(ownPrograms, { recursive: true });
  await writeFile(path.join(ownPrograms, "runc"), runcText(folder, options.beforeRunc), { mode: 0o755 });
  const searchPath = `${ownPrograms}:${binaries}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const ctrProgram = path.join(binaries, "ctr");
  const ctr = async (...args: string[]): Promise<string> => {
    const all = ["--address", socket, "--namespace", namespace, ...args];
    const { stdout } = await run(ctrProgram, all, { maxBuffer: MAX_PRINTED_BYTES });
    return stdout;
  };

  const launch = async (): Promise<TetheredProcess> => {
    const containerd = new TetheredProcess({
      name: "containerd",
      // containerd looks for its shim and runc in PATH.
      executable: "/usr/bin/env",
      args: [`PATH=${searchPath}`, path.join(binaries, "containerd"), "--config", configuration],
      folder,
    });
    const deadline = performance.now() + READY_DEADLINE_MS;
    while (performance.now() < deadline && containerd.running) {
      const ready = await ctr("version").then(
        () => true,
        () => false,
      );
      if (ready) return containerd;
      await sleep(50);
    }
    const ending = containerd.running ? `did not answer within ${READY_DEADLINE_MS / 1000} s` : containerd.ending;
    await containerd.kill();
    throw new Error(`containerd ${ending}. Its last lines:\n${containerd.lastLines()}`);
  };

  let containerd = await launch();
  return {
    socket,
    namespace,
    ctrProgram,
    ctr,
    async leftovers() {
      const [containers, tasks, snapshots] = await Promise.all([
        ctr("containers", "ls", "--quiet"),
        ctr("tasks", "ls", "--quiet"),
        ctr("snapshots", "ls"),
      ]);
      const active = snapshots.split("\n").filter((line) => /\s(Active|View)\s*$/.test(line));
      return [...words(containers), ...words(tasks), ...active.map((line) => line.trim())];
    },
    kill: () => containerd.kill(),
    async losePower() {
      await containerd.kill();
      await killShims(socket);
      await killContainers(ownName(folder));
      for (const inMemory of ["state", "runc"].map((name) => path.join(folder, name))) {
        await unmountBelow(inMemory);
        await rm(inMemory, { recursive: true, force: true });
      }
    },
    async start() {
      containerd = await launch();
    },
    async stop() {
      if (!containerd.running) containerd = await launch();
      for (const task of words(await ctr("tasks", "ls", "--quiet"))) {
        await ctr("tasks", "rm", "--force", task).catch(() => undefined);
      }
      await containerd.stop(STOP_GRACE_MS);
      await killShims(socket);
    },
  };
}

function words(printed: string): readonly string[] {
  return printed.split(/\s+/).filter((word) => word !== "");
}

/** Without the plugins for Kubernetes, which want a network, and without what needs other file systems. */
function configurationText(folder: string, socket: string, root = "root"): string {
  const disabled = [
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.internal.v1.opt",
    "io.containerd.nri.v1.nri",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.blockfile",
  ];
  return [
    "version = 3",
    `root = '${path.join(folder, root)}'`,
    `state = '${path.join(folder, "state")}'`,
    `disabled_plugins = [${disabled.map((name) => `'${name}'`).join(", ")}]`,
    "[grpc]",
    `address = '${socket}'`,
    "[ttrpc]",
    `address = '${socket}.ttrpc'`,
    "[debug]",
    "level = 'warn'",
    "",
  ].join("\n");
}

/**
 * runc keeps what it knows, and cgroups, by a container's name: those of two containerds on one machine must not meet. This
 * one has a folder and cgroups of its own.
 */
function runcText(folder: string, before = ""): string {
  return `#!/bin/sh
PATH="\${PATH#*:}"
${before}
isFirst=true
for argument; do
  if $isFirst; then set --; isFirst=false; fi
  case "$previous" in
    --root) argument=${folder}/runc ;;
    --bundle) sed -i 's#\\("cgroupsPath":"[^"]*/\\)\\([^"/]*"\\)#\\1${ownName(folder)}-\\2#' "$argument/config.json" ;;
  esac
  previous="$argument"
  set -- "$@" "$argument"
done
exec runc "$@"
`;
}

/** Of its cgroups. */
function ownName(folder: string): string {
  return createHash("sha256").update(folder).digest("hex").slice(0, 8);
}

async function killContainers(own: string): Promise<void> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const cgroups = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
    if (cgroups.includes(`/${own}-`)) process.kill(Number(pid), "SIGKILL");
  }
}

/** A shim whose task was taken away goes by itself; one that hangs would outlive the tests. */
async function killShims(socket: string): Promise<void> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const args = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (args[0]?.endsWith("containerd-shim-runc-v2") === true && args.includes(socket))
      process.kill(Number(pid), "SIGKILL");
  }
}
