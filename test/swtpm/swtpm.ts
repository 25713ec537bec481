/** A software TPM (swtpm) for tests, the demo and the bench: made, started on loopback ports, stopped without a trace. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { findPortPair } from "../control-plane/free-port.ts";
import { isListening } from "./is-listening.ts";
import { manufactureTpm } from "./manufacture.ts";

export interface SwtpmOptions {
  /** Where the TPM keeps its state; made when missing. A state that is already there is started again as it is. */
  readonly stateFolder: string;
  /** With: EK at 0x81010001 and its certificate at NV 0x01C00002. Without: neither, as on many boards. */
  readonly withEkCertificate: boolean;
  /** With certificate: size of the RSA EK. Default 2048; 3072 gives its certificate another NV index (0x01C0001C). */
  readonly rsaKeyBits?: 2048 | 3072;
  /** Where the certificate authority of the EK certificates lives; several TPMs may share one. Default: see shareAuthority. */
  readonly authorityFolder?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface Swtpm {
  /** As tpm2-tools take it with -T. */
  readonly tcti: string;
  readonly port: number;
  readonly processId: number;
  readonly stateFolder: string;
  readonly authorityFolder: string;
  /** Ends the process; the state folder stays. May be called twice. */
  stop(): Promise<void>;
}

/** Inherited by the processes that test files run in. */
const SHARED_AUTHORITY = "RANCHEROS_TEST_TPM_AUTHORITY";
const START_ATTEMPTS = 10;
const READY_DEADLINE_MS = 10_000;
const STOP_GRACE_MS = 3_000;

/**
 * TPMs of which nothing is said are then, in this process and its children, of one maker whose authority lies in the
 * folder, instead of each of its own: making its two keys takes longer than making a TPM.
 */
export function shareAuthority(folder: string): void {
  process.env[SHARED_AUTHORITY] = folder;
}

/**
 * Starts a software TPM and waits until it answers.
 *
 * The process dies with ours (parent-death signal, where setpriv is installed), also when ours is killed.
 * @throws Error  swtpm is not installed, or did not come up; the message carries its log
 */
export async function startSwtpm(options: SwtpmOptions): Promise<Swtpm> {
  const { stateFolder } = options;
  const authorityFolder = options.authorityFolder ?? process.env[SHARED_AUTHORITY] ?? join(stateFolder, "ca");
  const environment = options.environment ?? process.env;
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  if (options.withEkCertificate) {
    const { rsaKeyBits = 2048 } = options;
    await manufactureTpm({ stateFolder, authorityFolder, environment, rsaKeyBits });
  }

  const logFile = join(stateFolder, "swtpm.log");
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
    const port = await findPortPair();
    const child = await spawnSwtpm(stateFolder, port, logFile, environment);
    if (await becameReady(child, port)) return running(child, port, stateFolder, authorityFolder);
    await end(child);
  }
  throw new Error(`swtpm did not start in ${START_ATTEMPTS} attempts, see ${logFile}`);
}

async function spawnSwtpm(
  stateFolder: string,
  port: number,
  logFile: string,
  environment: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  const swtpm = [
    "swtpm",
    "socket",
    "--tpm2",
    "--tpmstate",
    `dir=${stateFolder},mode=0600`,
    "--server",
    `type=tcp,port=${port}`,
    // The TCTI expects the control channel on the next port.
    "--ctrl",
    `type=tcp,port=${port + 1}`,
    "--flags",
    "not-need-init,startup-clear",
  ];
  const log = await open(logFile, "w", 0o600);
  try {
    const child = spawn("setpriv", ["--pdeathsig", "SIGKILL", ...swtpm], {
      stdio: ["ignore", log.fd, log.fd],
      env: environment,
    });
    await once(child, "spawn");
    return child;
  } finally {
    await log.close();
  }
}

async function becameReady(child: ChildProcess, port: number): Promise<boolean> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  while (performance.now() < deadline) {
    if (hasEnded(child)) return false;
    if ((await isListening(port)) && (await isListening(port + 1))) return true;
    await delay(10);
  }
  return false;
}

function running(child: ChildProcess, port: number, stateFolder: string, authorityFolder: string): Swtpm {
  const { pid } = child;
  if (pid === undefined) throw new Error("swtpm has no process id");
  const killOnExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killOnExit);
  // A test process that forgot to stop it must still be able to end.
  child.unref();
  return {
    tcti: `swtpm:host=127.0.0.1,port=${port}`,
    port,
    processId: pid,
    stateFolder,
    authorityFolder,
    async stop() {
      process.off("exit", killOnExit);
      await end(child);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
