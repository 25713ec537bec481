/**
 * A machine of real parts: a software TPM, a containerd with runc, a folder as its /, a node of the API server with its
 * kubelet's kubeconfig, and ros-agent as a process that is killed when the machine restarts. What is played: firmware,
 * boot loader and kernel (MachineRoot.boot) and the kubelet (test/kubelets).
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { TestContainerd } from "../containerd/index.ts";
import type { KubeletAuthority } from "../control-plane/kubelet-kubeconfig.ts";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import type { Kubelets } from "../kubelets/index.ts";
import { agentProgram } from "../machine/agent-program.ts";
import type { Swtpm } from "../swtpm/index.ts";
import { insist } from "./insist.ts";
import type { MachineDisk } from "./machine-disk.ts";
import type { MachineRoot } from "./machine-root.ts";
import { signalTo } from "./signal-to.ts";
import { childrenOf, isTpmTool, untilGone } from "./tpm-tools.ts";

const run = promisify(execFile);

const LOOK_MS = 50;
const FORK_LOOK_MS = 5;
const DOWN_MS = 300;
/** RestartSec of the unit, in short. */
const START_AGAIN_MS = 500;

export interface WholeMachineOptions {
  /** Holds everything; short, as sockets lie in it. */
  readonly folder: string;
  /** Of the node: the kubelets' prefix, "-", and this. */
  readonly name: string;
  readonly number: number;
  readonly authority: KubeletAuthority;
  readonly kubelets: Kubelets;
  readonly authorityFolder: string;
  readonly release: string;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** Of the operator, as PEM. */
  readonly caFile: string;
  readonly url: string;
  /** In place of ros-agent's own, for `run`. */
  readonly agentProgram?: string;
  /** More of them for ros-agent run. */
  readonly agentFlags?: readonly string[];
  /** Where containerd keeps images; made by a test that wants it small. */
  readonly beforeContainerd?: (folder: string) => Promise<void>;
  /** Its / is on a disk of its own, which loses at a power cut what was not written yet. */
  readonly hasDisk?: boolean;
}

export interface WholeMachineParts {
  readonly tpm: Swtpm;
  readonly containerd: TestContainerd;
  readonly root: MachineRoot;
  readonly node: string;
  readonly dmi: string;
  readonly disk: MachineDisk | undefined;
}

export class WholeMachine {
  readonly number: number;
  readonly node: string;
  readonly root: MachineRoot;
  readonly containerd: TestContainerd;
  readonly #tpm: Swtpm;
  readonly #dmi: string;
  readonly #disk: MachineDisk | undefined;
  readonly #options: WholeMachineOptions;
  /** By the clock of the whole machine on which tests run, in seconds. */
  #bootedAt = hostUptime();
  #agent: TetheredProcess | undefined;
  #agentIsWanted = false;
  #reboots = 0;
  readonly #end = new AbortController();
  #living: Promise<void> | undefined;
  #powerCut: PromiseWithResolvers<void> | undefined;
  /** Called with the number of each restart, once the machine is down. */
  onReboot: (count: number) => Promise<void> | void = () => undefined;

  constructor(options: WholeMachineOptions, { tpm, containerd, root, node, dmi, disk }: WholeMachineParts) {
    this.#options = options;
    this.#tpm = tpm;
    this.#dmi = dmi;
    this.#disk = disk;
    this.containerd = containerd;
    this.root = root;
    this.node = node;
    this.number = options.number;
  }

  get reboots(): number {
    return this.#reboots;
  }

  get agentLog(): string {
    return this.#agent === undefined ? "" : readFileSync(this.#agent.logPath, "utf8");
  }

  get journalPath(): string {
    return this.root.path("var/lib/rancheros/upgrade.json");
  }

  /** @returns undefined where there is none yet */
  journal(): Journal | undefined {
    const text = this.root.read("var/lib/rancheros/upgrade.json");
    return text === undefined ? undefined : (JSON.parse(text) as Journal);
  }

  get registerFlags(): readonly string[] {
    return ["--ca-cert", this.#options.caFile, "--smbios-dump", this.#dmi, "--tcti", this.#tpm.tcti];
  }

  /** Makes its MachineInventory. @throws with what the agent said where it is refused */
  async register(): Promise<void> {
    const output = ["--output", this.root.path("oem/99_custom.yaml")];
    const { code, stderr } = await this.command(["register", this.#options.url, ...this.registerFlags, ...output]);
    if (code !== 0) throw new Error(`${this.node} did not register (${code}):\n${stderr}`);
    await this.#disk?.sync();
  }

  /** From now on the agent runs whenever the machine does, and the machine restarts when somebody asks it to. */
  startAgent(): void {
    this.#agentIsWanted = true;
    this.#launch();
    this.#living ??= this.#live();
  }

  /** As OOM killers and people do; systemd starts it again. */
  async killAgent(): Promise<void> {
    await this.#endAgent();
  }

  async stopAgent(): Promise<void> {
    this.#agentIsWanted = false;
    const pid = await this.#agentPid();
    if (pid !== undefined) signalTo(pid, "SIGTERM");
    await this.#agent?.stop(10_000);
  }

  /** Power is cut and comes back: agent, containerd and containers are gone at once, and what was in memory. */
  async powerCut(): Promise<void> {
    this.#powerCut = Promise.withResolvers();
    await this.#powerCut.promise;
  }

  /** One of the agent's commands on this machine. @returns what it printed and how it ended */
  async command(
    args: readonly string[],
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    return new Promise((resolve) => {
      const [program = "", ...rest] = this.#inMachine([process.execPath, agentProgram(), ...args]);
      execFile(program, rest, { timeout: 60_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#agentIsWanted = false;
    const [living] = await Promise.allSettled([this.#living]);
    await this.#endAgent();
    await this.containerd.stop();
    await this.#disk?.stop();
    await this.#tpm.stop();
    if (living.status === "rejected") throw living.reason;
  }

  async #live(): Promise<void> {
    try {
      await this.#liveOn();
    } catch (error) {
      // A restart that is broken off has not failed.
      if (!this.#end.signal.aborted) throw error;
    }
  }

  async #liveOn(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const cut = this.#powerCut;
      if (cut !== undefined) {
        await this.#restart("at-once").then(cut.resolve, cut.reject);
        this.#powerCut = undefined;
      } else if (this.root.wantsReboot) await this.#restart("in-order");
      else if (this.#agentIsWanted && this.#agent?.running !== true) {
        await sleep(START_AGAIN_MS);
        await this.#tidyTpm();
        this.#launch();
      }
      await sleep(LOOK_MS);
    }
  }

  async #restart(how: "in-order" | "at-once"): Promise<void> {
    const { kubelets } = this.#options;
    const wasWanted = this.#agentIsWanted;
    this.#agentIsWanted = false;
    await this.#endAgent();
    if (how === "in-order") await this.#endContainers();
    else {
      await this.#disk?.losePower();
      await this.containerd.losePower();
      await this.containerd.start();
    }
    await insist(() => kubelets.takeDown(this.node), this.#end.signal);
    this.root.boot();
    // Slots are partitions: nothing of them is in the page cache.
    await this.#disk?.sync();
    this.#bootedAt = hostUptime();
    this.#reboots += 1;
    await this.onReboot(this.#reboots);
    await sleep(DOWN_MS);
    const system = { bootId: this.root.bootId, osImage: versionOf(this.root.release) };
    await insist(() => kubelets.bringUp(this.node, system), this.#end.signal);
    this.#agentIsWanted = wasWanted;
    if (wasWanted) this.#launch();
  }

  /** What runs is gone; what containerd knows of containers is on the disk, and is there again. */
  async #endContainers(): Promise<void> {
    const tasks = (await this.containerd.ctr("tasks", "ls", "--quiet")).split(/\s+/).filter((task) => task !== "");
    for (const task of tasks) await this.containerd.ctr("tasks", "rm", "--force", task).catch(() => undefined);
  }

  #launch(): void {
    if (this.#end.signal.aborted) return;
    const { url } = this.#options;
    const [executable = "", ...args] = this.#inMachine([
      process.execPath,
      this.#options.agentProgram ?? agentProgram(),
      "run",
      url,
      ...this.registerFlags,
      ...this.placeFlags,
      ...(this.#options.agentFlags ?? []),
    ]);
    this.#agent = new TetheredProcess({ name: "ros-agent", executable, args, folder: this.#options.folder });
  }

  /** Where the machine's / is, for the agent's commands. */
  get placeFlags(): readonly string[] {
    const { folder } = this.root;
    const own = ["--state-folder", `${folder}/var/lib/rancheros`, "--run-folder", `${folder}/run/rancheros`];
    return ["--host-root", folder, ...own];
  }

  /** With the uptime of this machine: a time namespace whose clock of the boot began when the machine did. */
  #inMachine(command: readonly string[]): readonly string[] {
    const offset = `--boottime=-${Math.floor(this.#bootedAt)}`;
    return ["unshare", "--time", offset, "--fork", "--kill-child=SIGKILL", "--", ...command];
  }

  /**
   * The child of unshare, once there is one: that goes with its parent only where it has come to ask the kernel for it, and
   * would else live on as an agent of the boot before.
   */
  async #agentPid(): Promise<number | undefined> {
    while (this.#agent?.running === true) {
      const parent = this.#agent.pid;
      const [pid] = parent === undefined ? [] : childrenOf(parent);
      if (pid !== undefined) return pid;
      await sleep(FORK_LOOK_MS);
    }
    return undefined;
  }

  /** The agent itself first: its parent would be outlived by it for a moment. */
  async #endAgent(): Promise<void> {
    const pid = await this.#agentPid();
    // Stopped first: what it starts after this look would be missed.
    if (pid !== undefined) signalTo(pid, "SIGSTOP");
    const orphans = pid === undefined ? [] : childrenOf(pid).filter(isTpmTool);
    if (pid !== undefined) signalTo(pid, "SIGKILL");
    await this.#agent?.kill();
    // What one of them loads after the tidying would fill the TPM, for which nobody manages the room here.
    await Promise.all(orphans.map(untilGone));
    await this.#tidyTpm();
  }

  /** As the kernel's resource manager does for a process that is gone; swtpm has none. */
  async #tidyTpm(): Promise<void> {
    for (const what of ["--transient-object", "--loaded-session", "--saved-session"]) {
      // Ends with an error where there is nothing.
      await run("tpm2_flushcontext", ["-T", this.#tpm.tcti, what]).catch(() => undefined);
    }
  }
}

/** Of the agent's journal, as far as tests look into it. */
export interface Journal {
  readonly cordon: string;
  readonly run?: { readonly phase: string };
  readonly history: readonly {
    readonly phase: string;
    readonly reason?: { readonly code: string; readonly message: string };
  }[];
  readonly failedDigests: readonly { readonly digest: string }[];
}

function hostUptime(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
}

export function versionOf(release: string): string {
  return `RancherOS ${/^VERSION_ID="(.*)"$/m.exec(release)?.[1] ?? "unknown"}`;
}
