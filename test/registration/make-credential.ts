/** Makes credential challenges with tpm2-tools, which is nobody's code here: no TPM is needed for it. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { X509Certificate, createPublicKey } from "node:crypto";
import type { Challenge, EndorsementKey } from "@rancheros/protocol/messages";

const run = promisify(execFile);

/** Magic and version of the tool's file. */
const FILE_HEADER_BYTES = 8;

/** @param akName  of the key that alone may open the challenge */
export async function makeCredential(ek: EndorsementKey, akName: Buffer, secret: Buffer): Promise<Challenge> {
  const folder = await mkdtemp(join(tmpdir(), "credential-"));
  try {
    const key =
      ek.type === "certificate"
        ? new X509Certificate(ek.certificateDer).publicKey
        : createPublicKey({ key: ek.spkiDer, format: "der", type: "spki" });
    const [keyFile, secretFile, outFile] = ["ek.pem", "secret", "credential"].map((name) => join(folder, name));
    if (keyFile === undefined || secretFile === undefined || outFile === undefined) throw new Error("no names");
    await writeFile(keyFile, key.export({ type: "spki", format: "pem" }));
    await writeFile(secretFile, secret);
    const args = [
      "-T",
      "none",
      "-G",
      key.asymmetricKeyType === "ec" ? "ecc" : "rsa",
      "-u",
      keyFile,
      "-s",
      secretFile,
      "-n",
      akName.toString("hex"),
      "-o",
      outFile,
    ];
    await run("tpm2_makecredential", args);
    const bytes = (await readFile(outFile)).subarray(FILE_HEADER_BYTES);
    const blobEnd = 2 + bytes.readUInt16BE(0);
    return { credentialBlob: bytes.subarray(0, blobEnd), encryptedSecret: bytes.subarray(blobEnd) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
