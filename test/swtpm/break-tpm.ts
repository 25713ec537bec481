/** Puts a TPM into the states that machines in the field are found in: no certificate, garbage, lockout, owned hierarchies. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const EK_CERTIFICATE_INDEX = "0x01c00002";
export const PERSISTENT_EK_HANDLE = "0x81010001";

/** Runs one tpm2-tools command by hand and answers its stdout. */
export async function tpm2(tcti: string, tool: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(`tpm2_${tool}`, ["-T", tcti, ...args], { env: { ...process.env, LC_ALL: "C" } });
  return stdout;
}

/** Handles of a kind that the TPM holds now, as tpm2_getcap prints them. */
export async function handles(
  tcti: string,
  kind: "transient" | "loaded-session" | "saved-session" | "persistent" | "nv-index",
): Promise<string[]> {
  const text = await tpm2(tcti, "getcap", `handles-${kind}`);
  return [...text.matchAll(/0x[0-9a-f]+/gi)].map(([handle]) => handle);
}

/** Everything that a program may have left in the TPM: compare before and after. */
export async function residue(tcti: string): Promise<Record<string, string[]>> {
  return {
    transient: await handles(tcti, "transient"),
    loadedSession: await handles(tcti, "loaded-session"),
    savedSession: await handles(tcti, "saved-session"),
    persistent: await handles(tcti, "persistent"),
    nvIndex: await handles(tcti, "nv-index"),
  };
}

/** As on many boards: no certificate at all. */
export async function removeEkCertificate(tcti: string): Promise<void> {
  await undefineIndex(tcti, EK_CERTIFICATE_INDEX);
}

/** What stands at the EK certificate's NV index afterwards. Owner and index authorisation may read it, as makers set it. */
export async function writeEkCertificate(tcti: string, bytes: Uint8Array): Promise<void> {
  await writeIndex(tcti, EK_CERTIFICATE_INDEX, bytes);
}

/** Defines (anew) any NV index with the attributes of an EK certificate's and fills it. */
export async function writeIndex(tcti: string, index: string, bytes: Uint8Array): Promise<void> {
  await defineIndex(tcti, index, bytes.length);
  const folder = await mkdtemp(join(tmpdir(), "swtpm-nv-"));
  try {
    const file = join(folder, "content");
    await writeFile(file, bytes);
    await tpm2(tcti, "nvwrite", "-C", "p", "-i", file, index);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An index that was defined and never written. */
export async function defineIndex(tcti: string, index: string, sizeBytes: number): Promise<void> {
  await undefineIndex(tcti, index);
  const attributes = "ppwrite|writedefine|ppread|ownerread|authread|no_da|platformcreate";
  await tpm2(tcti, "nvdefine", "-C", "p", "-s", String(sizeBytes), "-a", attributes, index);
}

/** The index is gone afterwards, if it was there. */
export async function undefineIndex(tcti: string, index: string): Promise<void> {
  const defined = await handles(tcti, "nv-index");
  if (defined.some((handle) => Number(handle) === Number(index))) await tpm2(tcti, "nvundefine", "-C", "p", index);
}

/** As on a machine where nobody has persisted the EK yet. */
export async function removePersistentEk(tcti: string): Promise<void> {
  await tpm2(tcti, "evictcontrol", "-C", "o", "-c", PERSISTENT_EK_HANDLE);
}

/** As a TPM that loses its power alone: contexts of before are none any more. @param port  of the swtpm */
export async function resetTpm(tcti: string, port: number): Promise<void> {
  await run("swtpm_ioctl", ["--tcp", `127.0.0.1:${port + 1}`, "-i"]);
  await tpm2(tcti, "startup", "-c");
}

/** Dictionary attack lockout: one wrong password with a limit of one. */
export async function lockOut(tcti: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "swtpm-lockout-"));
  const key = join(folder, "key.ctx");
  try {
    await tpm2(tcti, "dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000");
    await tpm2(tcti, "createprimary", "-Q", "-C", "o", "-G", "ecc", "-p", "right", "-c", key);
    await tpm2(tcti, "flushcontext", "-t");
    await tpm2(
      tcti,
      "create",
      "-Q",
      "-C",
      key,
      "-P",
      "wrong",
      "-G",
      "ecc",
      "-u",
      `${key}.pub`,
      "-r",
      `${key}.priv`,
    ).then(
      () => Promise.reject(new Error("the TPM took a wrong password")),
      () => undefined,
    );
    await tpm2(tcti, "flushcontext", "-t");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As after somebody took ownership: the hierarchy has a password. */
export async function setHierarchyAuth(
  tcti: string,
  hierarchy: "owner" | "endorsement",
  password: string,
): Promise<void> {
  await tpm2(tcti, "changeauth", "-c", hierarchy, password);
}

/** As with the endorsement hierarchy switched off in the firmware's set-up. */
export async function disableEndorsementHierarchy(tcti: string): Promise<void> {
  await tpm2(tcti, "hierarchycontrol", "-C", "p", "ehEnable", "clear");
}

/** Takes transient object slots, as a careless program on a TPM without resource manager does; a swtpm has three. */
export async function occupySlots(tcti: string, count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "swtpm-slots-"));
  try {
    for (let slot = 0; slot < count; slot++) {
      await tpm2(tcti, "createprimary", "-Q", "-C", "n", "-G", "ecc", "-c", join(folder, `${slot}.ctx`));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The wrapper of some makers: tag 0x1001, certificate type 0x00 (full), 2-byte length, then the certificate. */
export function tcgWrapped(certificateDer: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5);
  header.writeUInt16BE(0x1001, 0);
  header.writeUInt16BE(certificateDer.length, 3);
  return Buffer.concat([header, certificateDer]);
}

/** An NV area larger than its certificate, filled with what unwritten flash reads as. */
export function withTrailingBytes(certificateDer: Uint8Array, count: number): Uint8Array {
  return Buffer.concat([certificateDer, Buffer.alloc(count, 0xff)]);
}

/** The same certificate with the key's algorithm called id-RSAES-OAEP (1.2.840.113549.1.1.7), as Infineon's older ones do. */
export function withOaepKeyIdentifier(certificateDer: Uint8Array): Uint8Array {
  const patched = Buffer.from(certificateDer);
  const rsaEncryption = Buffer.from("06092a864886f70d010101", "hex");
  const at = patched.indexOf(rsaEncryption);
  if (at < 0) throw new Error("the certificate names no rsaEncryption key");
  patched.writeUInt8(7, at + rsaEncryption.length - 1);
  return patched;
}
