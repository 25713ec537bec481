/** A folder that is a machine's /: what its boot loader, its kernel and its operating system would show there. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { INSTALLED_RELEASE, RELEASE_FILE, REBOOT_REQUEST } from "./os-images.ts";

const FOLDERS = ["dev", "run", "oem", "var/lib/rancheros", "usr/lib", "usr/local/bin", "etc/rancheros/checks.d"];
const BOOT_ID = "proc/sys/kernel/random/boot_id";
const COMMAND_LINE = "proc/cmdline";
/** A release with this line is installed like any other, and does not come up. */
export const DOES_NOT_BOOT = "BOOTS=no";

export interface MachineRootOptions {
  readonly folder: string;
  /** Text of the release file of what runs at first. */
  readonly release: string;
  /** Of the machine's containerd, so that the agent finds both where they are on any node. */
  readonly containerdSocket: string;
  readonly ctrProgram: string;
}

export class MachineRoot {
  readonly folder: string;
  readonly #containerdSocket: string;
  /** Whatever is installed, only what ran before comes up. */
  newSlotIsBroken = false;

  constructor(options: MachineRootOptions) {
    this.folder = options.folder;
    this.#containerdSocket = options.containerdSocket;
    for (const name of FOLDERS) mkdirSync(this.path(name), { recursive: true });
    symlinkSync(options.ctrProgram, this.path("usr/local/bin/ctr"));
    this.write(RELEASE_FILE, options.release);
    this.#begin("active");
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, text: string, mode = 0o644): void {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }

  /** @returns undefined where there is none */
  read(name: string): string | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), "utf8") : undefined;
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true, force: true });
  }

  get bootId(): string {
    return (this.read(BOOT_ID) ?? "").trim();
  }

  /** Of the operating system that runs. */
  get release(): string {
    return this.read(RELEASE_FILE) ?? "";
  }

  get wantsReboot(): boolean {
    return existsSync(this.path(REBOOT_REQUEST));
  }

  /** What firmware, boot loader and kernel do: the slot that was installed last, or the one before where it does not come up. */
  boot(): void {
    const installed = this.read(INSTALLED_RELEASE);
    const fellBack = installed !== undefined && (this.newSlotIsBroken || installed.includes(DOES_NOT_BOOT));
    if (installed !== undefined && !fellBack) this.write(RELEASE_FILE, installed);
    this.remove(INSTALLED_RELEASE);
    this.#begin(fellBack ? "passive" : "active");
  }

  #begin(slot: "active" | "passive"): void {
    // It lies in memory.
    this.remove("run");
    mkdirSync(this.path("run/containerd"), { recursive: true });
    symlinkSync(this.#containerdSocket, this.path("run/containerd/containerd.sock"));
    const version = /^VERSION_ID="(.*)"$/m.exec(this.release)?.[1] ?? "";
    this.write("etc/os-release", `NAME="RancherOS"\nVERSION="${version}"\n`);
    this.write(BOOT_ID, `${randomUUID()}\n`);
    this.write(COMMAND_LINE, `root=LABEL=COS_${slot === "active" ? "ACTIVE" : "PASSIVE"}\n`);
  }
}
