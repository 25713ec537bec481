/** A bare machine in software: bought with an empty disk, switched on, cut from power, looked into. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import { GuestPort, type GuestAnswer } from "./guest-port.ts";
import { startMachineTpm, type MachineTpm } from "./machine-tpm.ts";
import { SerialConsole } from "./serial-console.ts";
import { OVMF_VARIABLES, qemuArguments, type SystemValues } from "./qemu-arguments.ts";

const STOP_GRACE_MS = 5_000;
const GETTY_MS = 5 * 60_000;
const LAST_SERIAL_LINES = 60;
const GIBIBYTE = 1024 ** 3;

export interface MachineOptions {
  /** Keeps disk, TPM and logs; made when missing. Its path must be short: sockets lie in it. */
  readonly folder: string;
  readonly system: SystemValues;
  readonly firmware?: "bios" | "uefi";
  /** Default 2048. */
  readonly memoryMegabytes?: number;
  /** Default 12. */
  readonly diskGibibytes?: number;
  /** Default: the disk names none. */
  readonly diskStripeBytes?: number;
  /** Ports of the machine, by the port of this host's loopback that leads to each. */
  readonly forwards?: ReadonlyMap<number, number>;
}

export interface PowerOn {
  /** What the DHCP server names to who boots from the network. */
  readonly bootFile?: string;
  /** An ISO in the drive. */
  readonly cdrom?: string;
  /** Its firmware tries that before the disk. Default: after it. */
  readonly isCdromFirst?: boolean;
  /** Its firmware tries the network before all else. Default: after it. */
  readonly isNetworkFirst?: boolean;
}

export class Machine {
  readonly #options: MachineOptions;
  #qemu: TetheredProcess | undefined;
  #tpm: MachineTpm | undefined;
  #port: GuestPort | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    if (!existsSync(this.#file("disk.img"))) {
      writeFileSync(this.#file("disk.img"), "", { mode: 0o600 });
      truncateSync(this.#file("disk.img"), (options.diskGibibytes ?? 12) * GIBIBYTE);
      copyFileSync(OVMF_VARIABLES, this.#file("uefi-variables.fd"));
    }
  }

  #file(name: string): string {
    return path.join(this.#options.folder, name);
  }

  /** Everything that the machine has said on its first serial port, since it was bought. */
  get serial(): string {
    return existsSync(this.#file("serial.log")) ? readFileSync(this.#file("serial.log"), "utf8") : "";
  }

  get isOn(): boolean {
    return this.#qemu?.running === true;
  }

  get boots(): number {
    return this.#port?.boots ?? 0;
  }

  /** Switches it on; it boots from its disk, from the CD, from the network: from the first that has something. */
  async powerOn({ bootFile, cdrom, isCdromFirst = false, isNetworkFirst = false }: PowerOn = {}): Promise<void> {
    if (this.isOn) throw new Error("the machine is on already");
    const { folder, system, firmware = "bios", memoryMegabytes = 2048, forwards = new Map() } = this.#options;
    this.#tpm = await startMachineTpm(folder);
    this.#qemu = new TetheredProcess({
      name: "qemu",
      executable: "qemu-system-x86_64",
      folder,
      args: qemuArguments({
        system,
        firmware,
        memoryMegabytes,
        bootFile,
        cdrom,
        isCdromFirst,
        isNetworkFirst,
        forwards,
        disk: this.#file("disk.img"),
        diskStripeBytes: this.#options.diskStripeBytes,
        tpmSocket: this.#tpm.socketPath,
        portSocket: this.#file("port.sock"),
        serialLog: this.#file("serial.log"),
        serialSocket: this.#file("serial.sock"),
        uefiVariables: this.#file("uefi-variables.fd"),
      }),
    });
    try {
      this.#port = await GuestPort.connect(this.#file("port.sock"));
    } catch (cause) {
      throw new Error(`QEMU did not start:\n${this.#qemu.lastLines()}`, { cause });
    }
  }

  /**
   * Waits until a system has come up for the so-manieth time since the power came on.
   * @throws Error  with the end of the serial log
   */
  async waitForBoot(count: number, timeoutMs: number): Promise<void> {
    await this.#described(this.#onPort().waitForBoot(count, timeoutMs));
  }

  /** Runs a command as root. */
  async run(command: string, timeoutMs?: number): Promise<GuestAnswer> {
    return this.#described(this.#onPort().run(command, timeoutMs));
  }

  /** @returns its output  @throws Error  where its status is not 0 */
  async must(command: string, timeoutMs?: number): Promise<string> {
    const { status, output } = await this.run(command, timeoutMs);
    if (status !== 0) throw new Error(`${command}: exit status ${status}\n${output}`);
    return output.trimEnd();
  }

  /** Restarts it in order, a moment later: as it goes down, an answer that is under way may be lost. */
  async restartSoon(): Promise<void> {
    await this.must("systemd-run --on-active=2 --timer-property=AccuracySec=100ms systemctl reboot");
  }

  /** Takes the power away from one moment to the next. */
  async powerCut(): Promise<void> {
    await this.#qemu?.kill();
    this.#port?.close();
    await this.#tpm?.stop();
  }

  /** Stops its time while the work is done; what its system holds in memory is on the disk before. */
  async still(work: () => void): Promise<void> {
    await this.must("sync");
    this.#qemu?.signal("SIGSTOP");
    try {
      work();
    } finally {
      this.#qemu?.signal("SIGCONT");
    }
  }

  async stop(): Promise<void> {
    await this.#qemu?.stop(STOP_GRACE_MS);
    this.#port?.close();
    await this.#tpm?.stop();
  }

  /** Somebody sits down at its first serial port, once its system is up. */
  async console(): Promise<SerialConsole> {
    // On a host that is busy enough systemd has given up waiting for the port, and shows nothing there.
    await this.must("systemctl start serial-getty@ttyS0", GETTY_MS);
    return SerialConsole.open(this.#file("serial.sock"), () => this.serial);
  }

  /** What helps to see why it does not do what it should. */
  lastSerialLines(count = LAST_SERIAL_LINES): string {
    return this.serial.trimEnd().split("\n").slice(-count).join("\n");
  }

  #onPort(): GuestPort {
    if (this.#port === undefined) throw new Error("the machine has never been on");
    return this.#port;
  }

  async #described<Result>(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${message}; the last lines of its serial port:\n${this.lastSerialLines()}`, { cause });
    }
  }
}
