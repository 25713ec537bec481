/** The attestation key: made in the TPM, certified by the TPM, and taken out of it again. */

import { objectName, unwrapTpm2b } from "@rancheros/protocol/tpm";

import { TpmError } from "./errors.ts";
import type { AttestationKey } from "./tpm.ts";
import type { Workbench } from "./workbench.ts";

/** An AK without the attestation, and where the tools find it. */
export interface MadeAttestationKey {
  readonly kind: AttestationKeyKind;
  readonly contextFile: string;
  readonly publicArea: Buffer;
  readonly creationData: Buffer;
  readonly name: Buffer;
}

/** An AK of the sort that the TPM makes for its EK as well: one without RSA can do no other. */
export type AttestationKeyKind = "rsa" | "ecc";

/**
 * RSA_AK_TEMPLATE of the protocol in the tools' spelling, and the same for P-256. `noda`: after the use of another key each power
 * cut counts as a wrong password, and a few of them lock the TPM (part 1, 19.8.5); this one has none that could be guessed.
 */
const ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign";
const ALGORITHMS: Readonly<Record<AttestationKeyKind, { readonly key: string; readonly scheme: string }>> = {
  rsa: { key: "rsa2048:rsassa-sha256:null", scheme: "rsassa" },
  ecc: { key: "ecc256:ecdsa-sha256:null", scheme: "ecdsa" },
};

const PUBLIC = "ak.public";
const CREATION_DATA = "ak.creation-data";
const CREATION_HASH = "ak.creation-hash";
const CREATION_TICKET = "ak.creation-ticket";
const ATTESTATION = "ak.attestation";
const SIGNATURE = "ak.signature";

/** TPM2B_DATA holds one digest of the largest hash that the TPM knows: 32 bytes fit everywhere. */
const MAX_QUALIFYING_BYTES = 32;

/**
 * A primary key of the endorsement hierarchy: one key to make instead of two, no storage root key that must be persisted
 * first, and the same key each time, so the TPM's owner cannot lose it and nothing need be kept.
 */
export async function makeAttestationKey(bench: Workbench, kind: AttestationKeyKind): Promise<MadeAttestationKey> {
  const { tpm2, folder, handles } = bench;
  const contextFile = await folder.path("ak.ctx");
  const publicFile = await folder.path(PUBLIC);
  const creationFile = await folder.path(CREATION_DATA);
  const [hashFile, ticketFile] = [await folder.path(CREATION_HASH), await folder.path(CREATION_TICKET)];
  await handles.guard(() =>
    tpm2.makeKey(
      "createprimary",
      "-Q",
      ["-C", "endorsement", "-G", ALGORITHMS[kind].key, "-a", ATTRIBUTES, "-c", contextFile],
      ["-f", "tpmt", "-o", publicFile],
      [`--creation-data=${creationFile}`, "-d", hashFile, "-t", ticketFile],
    ),
  );
  const publicArea = await folder.read(PUBLIC);
  const creationData = await folder.read(CREATION_DATA);
  return parsing("the attestation key", () => ({
    kind,
    contextFile,
    publicArea,
    creationData: unwrapTpm2b(creationData, "TPM2B_CREATION_DATA"),
    name: objectName(publicArea),
  }));
}

/** Has the TPM say, signed by the AK, that it made the AK itself. */
export async function certifyCreation(
  bench: Workbench,
  made: MadeAttestationKey,
  qualifyingData: Uint8Array,
): Promise<AttestationKey> {
  if (qualifyingData.length > MAX_QUALIFYING_BYTES) {
    throw new TpmError("TPM_MISUSED", `qualifying data has ${String(qualifyingData.length)} bytes, at most 32 can be`);
  }
  const { tpm2, folder, handles } = bench;
  const { contextFile, publicArea, creationData, name } = made;
  // It goes to the server in clear, so it may stand among the arguments.
  const qualification = qualifyingData.length === 0 ? [] : ["-q", Buffer.from(qualifyingData).toString("hex")];
  const [hashFile, ticketFile] = [await folder.path(CREATION_HASH), await folder.path(CREATION_TICKET)];
  const [signatureFile, attestationFile] = [await folder.path(SIGNATURE), await folder.path(ATTESTATION)];
  await handles.guard(() =>
    tpm2.run(
      "certifycreation",
      "-Q",
      ["-C", contextFile, "-c", contextFile],
      ["-d", hashFile, "-t", ticketFile],
      ["-g", "sha256", "-s", ALGORITHMS[made.kind].scheme, ...qualification],
      ["-f", "tss", "-o", signatureFile, `--attestation=${attestationFile}`],
    ),
  );
  const attestation = await folder.read(ATTESTATION);
  const signature = await folder.read(SIGNATURE);
  return { publicArea, creationData, attestation, signature, name };
}

function parsing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new TpmError("TPM_NONSENSE", `the tools gave something that is not ${what}`, { cause });
  }
}
