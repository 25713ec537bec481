/** The TPM of a virtual machine: swtpm behind a socket that QEMU connects to; its state outlives power cuts. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import { manufactureTpm } from "../swtpm/index.ts";

const READY_DEADLINE_MS = 10_000;

export interface MachineTpm {
  /** For QEMU's -chardev. */
  readonly socketPath: string;
  stop(): Promise<void>;
}

/** @param folder  keeps the TPM's state; the path must be short, as that of any socket */
export async function startMachineTpm(folder: string): Promise<MachineTpm> {
  const stateFolder = path.join(folder, "tpm");
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  const authorityFolder = path.join(folder, "tpm-ca");
  await manufactureTpm({ stateFolder, authorityFolder, environment: process.env, rsaKeyBits: 2048 });
  const socketPath = path.join(folder, "tpm.sock");
  // Of who was killed before it could take it away.
  rmSync(socketPath, { force: true });
  const child = new TetheredProcess({
    name: "swtpm",
    executable: "swtpm",
    folder,
    args: [
      ["socket", "--tpm2", "--tpmstate", `dir=${stateFolder},mode=0600`],
      ["--ctrl", `type=unixio,path=${socketPath},mode=0600`],
    ].flat(),
  });
  const deadlineMs = performance.now() + READY_DEADLINE_MS;
  while (!existsSync(socketPath)) {
    if (!child.running || performance.now() > deadlineMs) throw new Error(`swtpm did not start: ${child.lastLines()}`);
    await sleep(20);
  }
  return { socketPath, stop: () => child.stop(3_000) };
}
