/** The endorsement keys that a TPM can have: each way to one gives its public key and how the tools call it. */

import {
  PERSISTENT_RSA_EK,
  RSA_EK_TEMPLATE,
  decodePublicArea,
  encodePublicArea,
  spkiFromPublicArea,
} from "@rancheros/protocol/tpm";

import { EK_POLICY_SHA384 } from "./endorsement-kind.ts";
import { TpmError } from "./errors.ts";
import { parseHandles } from "./handle-keeper.ts";
import { isAbsent, readNvIndex } from "./nv-index.ts";
import type { Workbench } from "./workbench.ts";

export interface EndorsementCandidate {
  readonly publicKeySpkiDer: Buffer;
  /** Handle or context file. */
  readonly reference: string;
}

const PERSISTENT_HANDLE = `0x${PERSISTENT_RSA_EK.toString(16)}`;
/** Source: TCG Registry of Reserved TPM 2.0 Handles and Localities, section 2.3: endorsement primary keys */
const FIRST_EK_HANDLE = 0x8101_0000;
const LAST_EK_HANDLE = 0x8101_ffff;
/** Far more than a TPM has room for beside its other keys. */
const HANDLES_READ = 16;
/** NV indices of the RSA-2048 EK's nonce and template. Source: TCG EK Credential Profile 2.5, 2.2.1.4 */
const NV_RSA_EK_NONCE = 0x01c0_0003;
const NV_RSA_EK_TEMPLATE = 0x01c0_0004;

const UNIQUE_BYTES = RSA_EK_TEMPLATE.modulus.length;
/** RSA_EK_TEMPLATE in the tools' spelling. */
const ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt";
const ALGORITHM = "rsa2048:null:aes128cfb";
const HIGH_RANGE_ATTRIBUTES = `${ATTRIBUTES}|userwithauth`;

/** The key at 0x81010001, where somebody may have put the RSA-2048 EK; 10 ms. */
export async function readPersistentKey(bench: Workbench): Promise<EndorsementCandidate | undefined> {
  const area = await readPersistent(bench, PERSISTENT_HANDLE);
  const publicKeySpkiDer = area === undefined ? undefined : spkiIfKnown(area);
  return publicKeySpkiDer === undefined ? undefined : { publicKeySpkiDer, reference: PERSISTENT_HANDLE };
}

/**
 * The wanted key, where it lies at any of the handles that are reserved for EKs: for kinds other than RSA-2048 each
 * maker and tool has his own (swtpm 0x8101001C for RSA-3072). 10 ms for the list, and as much for each key there.
 */
export async function findPersistentKey(
  bench: Workbench,
  publicKeySpkiDer: Uint8Array,
): Promise<EndorsementCandidate | undefined> {
  const listed = parseHandles(Buffer.from(await bench.tpm2.run("getcap", "handles-persistent")).toString("utf8"));
  const reserved = listed.filter((handle) => Number(handle) >= FIRST_EK_HANDLE && Number(handle) <= LAST_EK_HANDLE);
  for (const reference of reserved.slice(0, HANDLES_READ)) {
    const area = await readPersistent(bench, reference);
    const spki = area === undefined ? undefined : spkiIfKnown(area);
    if (spki?.equals(publicKeySpkiDer) === true) return { publicKeySpkiDer: spki, reference };
  }
  return undefined;
}

async function readPersistent({ tpm2, folder }: Workbench, handle: string): Promise<Uint8Array | undefined> {
  const file = "persistent.public";
  try {
    await tpm2.run("readpublic", "-Q", ["-c", handle], ["-f", "tpmt", "-o", await folder.path(file)]);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  return folder.read(file);
}

/** Undefined for a key of a kind that this program does not know, such as P-384: it is not the wanted one. */
function spkiIfKnown(publicArea: Uint8Array): Buffer | undefined {
  try {
    return spkiFrom(publicArea);
  } catch (error) {
    if (error instanceof TpmError && error.code === "TPM_NONSENSE") return undefined;
    throw error;
  }
}

/** The key of the default RSA-2048 template (L-1), made anew: up to 20 s on a discrete TPM. */
export async function makeDefaultKey(bench: Workbench): Promise<EndorsementCandidate> {
  const { tpm2, folder, handles } = bench;
  const reference = await folder.path("ek.ctx");
  const publicFile = await folder.path("ek.public");
  await handles.guard(() =>
    tpm2.makeKey("createek", "-Q", ["-G", "rsa", "-c", reference], ["-u", publicFile, "-f", "tpmt"]),
  );
  return { publicKeySpkiDer: spkiFrom(await folder.read("ek.public")), reference };
}

/** The key of the default P-256 template (L-2). @throws TpmError TPM_EK_UNSUPPORTED */
export async function makeEccKey(bench: Workbench): Promise<EndorsementCandidate> {
  const { tpm2, folder, handles } = bench;
  const reference = await folder.path("ecc.ctx");
  const publicFile = await folder.path("ecc.public");
  await supported("ECC P-256", () =>
    handles.guard(() =>
      tpm2.makeKey("createek", "-Q", ["-G", "ecc", "-c", reference], ["-u", publicFile, "-f", "tpmt"]),
    ),
  );
  return { publicKeySpkiDer: spkiFrom(await folder.read("ecc.public")), reference };
}

/**
 * The key of the RSA-3072 template (H-6), up to a minute on a discrete TPM. By hand, as tpm2_createek 5.4 does not know it.
 * @throws TpmError TPM_EK_UNSUPPORTED
 * Source: TCG EK Credential Profile 2.5, B.4.5: SHA-384, AES-256, no seed, and the policy of the high range
 */
export async function makeRsa3072Key(bench: Workbench): Promise<EndorsementCandidate> {
  const { tpm2, folder, handles } = bench;
  const reference = await folder.path("rsa3072.ctx");
  const publicFile = await folder.path("rsa3072.public");
  const policyFile = await folder.write("rsa3072.policy", Buffer.from(EK_POLICY_SHA384, "hex"));
  await supported("RSA-3072", () =>
    handles.guard(() =>
      tpm2.makeKey(
        "createprimary",
        "-Q",
        ["-C", "endorsement", "-g", "sha384", "-G", "rsa3072:null:aes256cfb", "-a", HIGH_RANGE_ATTRIBUTES],
        ["-L", policyFile],
        ["-c", reference, "-f", "tpmt", "-o", publicFile],
      ),
    ),
  );
  return { publicKeySpkiDer: spkiFrom(await folder.read("rsa3072.public")), reference };
}

async function supported<T>(kind: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof TpmError) || cause.code !== "TPM_RSA_UNSUPPORTED") throw cause;
    throw new TpmError("TPM_EK_UNSUPPORTED", `the TPM makes no ${kind} endorsement keys`, { cause });
  }
}

/**
 * The key of the template and nonce that some makers stored beside the certificate; undefined where they stored neither,
 * or a template that differs from L-1 in more than the key's seed.
 *
 * Not by `tpm2_createek -t`: up to 5.5 it takes a pointer for the nonce and makes another key each time (tpm2-tools
 * pull request 3280), and it fails where there is a template and no nonce (issue 3278).
 * Source: TCG EK Credential Profile 2.5, 2.2.1.6
 */
export async function makeStoredTemplateKey(bench: Workbench): Promise<EndorsementCandidate | undefined> {
  const { tpm2, folder, handles } = bench;
  const template = await readIfPresent(bench, NV_RSA_EK_TEMPLATE);
  const nonce = await readIfPresent(bench, NV_RSA_EK_NONCE);
  const unique = uniqueOf(template, nonce);
  if (unique === undefined) return undefined;
  const reference = await folder.path("stored.ctx");
  const publicFile = await folder.path("stored.public");
  const policyFile = await folder.write("stored.policy", RSA_EK_TEMPLATE.authPolicy);
  const uniqueFile = await folder.write("stored.unique", encodeUniqueFile(unique));
  await handles.guard(() =>
    tpm2.makeKey(
      "createprimary",
      "-Q",
      ["-C", "endorsement", "-g", "sha256", "-G", ALGORITHM, "-a", ATTRIBUTES],
      ["-L", policyFile, "-u", uniqueFile],
      ["-c", reference, "-f", "tpmt", "-o", publicFile],
    ),
  );
  return { publicKeySpkiDer: spkiFrom(await folder.read("stored.public")), reference };
}

/**
 * The seed of the key ("unique"): the template's, with the nonce over its beginning.
 * @param template  content of NV 0x01C00004, TPMT_PUBLIC
 * @param nonce     content of NV 0x01C00003
 */
export function uniqueOf(template: Uint8Array | undefined, nonce: Uint8Array | undefined): Buffer | undefined {
  if (template === undefined && nonce === undefined) return undefined;
  const unique = template === undefined ? Buffer.alloc(UNIQUE_BYTES) : uniqueOfTemplate(template);
  if (unique === undefined || nonce === undefined) return unique;
  if (nonce.length > UNIQUE_BYTES) return undefined;
  return Buffer.concat([nonce, Buffer.alloc(UNIQUE_BYTES - nonce.length)]);
}

function uniqueOfTemplate(template: Uint8Array): Buffer | undefined {
  try {
    const area = decodePublicArea(template);
    if (area.type !== "RSA") return undefined;
    const { modulus } = RSA_EK_TEMPLATE;
    const isDefaultOtherwise = encodePublicArea({ ...area, modulus }).equals(encodePublicArea(RSA_EK_TEMPLATE));
    return isDefaultOtherwise ? area.modulus : undefined;
  } catch {
    // A damaged template is no way to a key; the caller says that there is none.
    return undefined;
  }
}

/** As the tools read it: the C structure TPM2B_PUBLIC_KEY_RSA, its size in the order of the machine (little-endian). */
function encodeUniqueFile(unique: Uint8Array): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16LE(unique.length);
  return Buffer.concat([size, unique]);
}

async function readIfPresent(bench: Workbench, index: number): Promise<Uint8Array | undefined> {
  try {
    return await readNvIndex(bench.tpm2, index);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function spkiFrom(publicArea: Uint8Array): Buffer {
  try {
    return spkiFromPublicArea(decodePublicArea(publicArea));
  } catch (cause) {
    throw new TpmError("TPM_NONSENSE", "the TPM's endorsement key is not a key that this program knows", { cause });
  }
}
