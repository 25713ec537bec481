/** A disk of a machine's own: when its power goes, what had not come onto it is lost, as on a real one. */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const SIZE = "256M";
/** Seconds between ext4's own commits, many times longer than a test: what nobody has asked to be written is not. */
const OPTIONS = "loop,commit=300";

export class MachineDisk {
  readonly #folder: string;
  readonly #mountPoint: string;
  #life = 1;

  private constructor(folder: string, mountPoint: string) {
    this.#folder = folder;
    this.#mountPoint = mountPoint;
  }

  /** @param folder  for the files behind it; needs root and loop devices */
  static async create(folder: string, mountPoint: string): Promise<MachineDisk> {
    const disk = new MachineDisk(folder, mountPoint);
    mkdirSync(mountPoint, { recursive: true });
    await run("truncate", ["--size", SIZE, disk.#file()]);
    await run("mkfs.ext4", ["-q", "-F", disk.#file()]);
    await run("mount", ["-o", OPTIONS, disk.#file(), mountPoint]);
    return disk;
  }

  /** Goes on with what is on it at this moment. */
  async losePower(): Promise<void> {
    const before = this.#file();
    this.#life += 1;
    await run("cp", ["--sparse=always", before, this.#file()]);
    // What is written from now on goes to a disk that nobody looks at any more.
    await run("umount", ["--lazy", this.#mountPoint]);
    rmSync(before);
    await run("mount", ["-o", OPTIONS, this.#file(), this.#mountPoint]);
  }

  /** As an installer does before it lets the machine start. */
  async sync(): Promise<void> {
    await run("sync", ["--file-system", this.#mountPoint]);
  }

  async stop(): Promise<void> {
    await run("umount", ["--lazy", this.#mountPoint]);
  }

  #file(): string {
    return path.join(this.#folder, `disk-${this.#life}.img`);
  }
}
