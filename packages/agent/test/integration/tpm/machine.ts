/** A machine with a software TPM of its own, for one test file. */

import { execFileSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type AttestationKey, type Tpm, type TpmEvent, openTpm } from "@rancheros/agent/tpm";
import { type Swtpm, startSwtpm } from "../../../../../test/swtpm/index.ts";

export interface Machine {
  readonly swtpm: Swtpm;
  /** For files of the test itself. */
  readonly folder: string;
  /** What the program under test left in its folder for temporary files. */
  leftFiles(): string[];
  open(settings?: OpenSettings): Promise<Tpm>;
  dispose(): Promise<void>;
}

export interface OpenSettings {
  readonly tcti?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly environment?: Record<string, string | undefined>;
  readonly workFolder?: string;
  readonly onEvent?: (event: TpmEvent) => void;
}

export async function startMachine(options: { withEkCertificate: boolean }): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), "ros-machine-"));
  const swtpm = await startSwtpm({ stateFolder: join(folder, "tpm"), ...options });
  const workFolder = join(folder, "work");
  mkdirSync(workFolder);
  return {
    swtpm,
    folder,
    leftFiles: () => readdirSync(workFolder),
    open: (settings = {}) =>
      openTpm({
        tcti: swtpm.tcti,
        signal: new AbortController().signal,
        timeoutMs: 30_000,
        workFolder,
        environment: process.env,
        ...settings,
      }),
    async dispose() {
      await swtpm.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Opens the TPM, works with it, closes it whatever happens. */
export async function withTpm<T>(
  machine: Machine,
  work: (tpm: Tpm) => Promise<T>,
  settings: OpenSettings = {},
): Promise<T> {
  const tpm = await machine.open(settings);
  try {
    return await work(tpm);
  } finally {
    await tpm.close();
  }
}

/** SHA-256 of the key as openssl writes it: our yardstick for the hash, with none of our own code in it. */
export function opensslHash(input: { certificateDer: Uint8Array } | { publicKeyPem: string }): string {
  const pem =
    "publicKeyPem" in input
      ? Buffer.from(input.publicKeyPem)
      : execFileSync("openssl", ["x509", "-inform", "der", "-noout", "-pubkey"], { input: input.certificateDer });
  const der = execFileSync("openssl", ["rsa", "-pubin", "-outform", "der"], {
    input: pem,
    stdio: ["pipe", "pipe", "ignore"],
  });
  return createHash("sha256").update(der).digest("hex");
}

export function pemOf(publicKeySpkiDer: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(publicKeySpkiDer), format: "der", type: "spki" });
  return key.export({ format: "pem", type: "spki" });
}

export interface Challenge {
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** A challenge as tpm2_makecredential makes it, without a TPM: the other half of the protocol by other people's hand. */
export function makeChallenge(
  folder: string,
  publicKeySpkiDer: Uint8Array,
  name: AttestationKey["name"],
  secret: Uint8Array,
): Challenge {
  const file = (suffix: string): string => join(folder, `challenge.${suffix}`);
  writeFileSync(file("pem"), pemOf(publicKeySpkiDer));
  writeFileSync(file("secret"), secret);
  execFileSync("tpm2_makecredential", [
    "-Q",
    "-T",
    "none",
    "-G",
    "rsa",
    "-u",
    file("pem"),
    "-s",
    file("secret"),
    "-n",
    Buffer.from(name).toString("hex"),
    "-o",
    file("out"),
  ]);
  // Magic and version of tpm2-tools, then the two structures with their sizes.
  const both = readFileSync(file("out")).subarray(8);
  const end = 2 + both.readUInt16BE(0);
  return { credentialBlob: both.subarray(0, end), encryptedSecret: both.subarray(end) };
}

/** A certificate for any public key, by an authority that exists for this call only. */
export function certify(folder: string, publicKeyPem: string): Uint8Array {
  const file = (suffix: string): string => join(folder, `authority.${suffix}`);
  writeFileSync(file("subject.pem"), publicKeyPem);
  execFileSync("openssl", ["genrsa", "-out", file("key"), "2048"], { stdio: "ignore" });
  return execFileSync("openssl", [
    "x509",
    "-new",
    "-subj",
    "/CN=some TPM maker",
    "-days",
    "30",
    "-outform",
    "der",
    "-force_pubkey",
    file("subject.pem"),
    "-key",
    file("key"),
  ]);
}
