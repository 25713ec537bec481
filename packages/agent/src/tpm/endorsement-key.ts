/** Which endorsement key (EK) this machine is known by, and how the TPM lets us use it. */

import { ekHash } from "@rancheros/protocol/tpm";

import {
  findPersistentKey,
  makeDefaultKey,
  makeEccKey,
  makeRsa3072Key,
  makeStoredTemplateKey,
  readPersistentKey,
  type EndorsementCandidate,
} from "./endorsement-candidates.ts";
import { type FoundCertificate, readEndorsementCertificate } from "./endorsement-certificate.ts";
import { ENDORSEMENT_KINDS, nvIndexText, type EndorsementKeyKind } from "./endorsement-kind.ts";
import { TpmError } from "./errors.ts";
import type { EndorsementKey, EndorsementKeySource } from "./tpm.ts";
import type { Workbench } from "./workbench.ts";

/** An EK that was read, and where it can be used: not yet looked for when only its certificate was read. */
export interface ReadEndorsementKey {
  readonly key: EndorsementKey;
  /** Handle or context file for the tools. */
  readonly reference: string | undefined;
}

type Maker = (bench: Workbench) => Promise<EndorsementCandidate>;

/** The key that the default template of its kind gives. */
const MAKERS: Readonly<Record<EndorsementKeyKind, Maker>> = {
  rsa2048: makeDefaultKey,
  rsa3072: makeRsa3072Key,
  "ecc-p256": makeEccKey,
};

/** Cheapest first: reading takes 10 ms, making a key up to 20 s. */
const CANDIDATES: Readonly<
  Record<
    EndorsementKeyKind,
    readonly ((bench: Workbench, publicKeySpkiDer: Uint8Array) => Promise<EndorsementCandidate | undefined>)[]
  >
> = {
  rsa2048: [readPersistentKey, makeDefaultKey, makeStoredTemplateKey],
  rsa3072: [findPersistentKey, makeRsa3072Key],
  "ecc-p256": [findPersistentKey, makeEccKey],
};

/**
 * The rule of rancherd (go-attestation 0.3.2): the key of the RSA certificate in NV 0x01C00002, which is believed as it
 * is; without a usable certificate the key that the default RSA-2048 template (L-1) gives, made anew and not kept. A key
 * that lies ready at a persistent handle is not asked: nothing says that it came from the template. For other kinds the
 * same, with their own NV index and template.
 */
export async function readEndorsementKey(bench: Workbench, kind: EndorsementKeyKind): Promise<ReadEndorsementKey> {
  const nvIndex = ENDORSEMENT_KINDS[kind].certificateIndex;
  const found = await readEndorsementCertificate(bench.tpm2, nvIndex);
  if (found.kind === "found") {
    const { der, publicKeySpkiDer, issuer, subject, notBefore, notAfter } = found.certificate;
    const source = { kind: "certificate", nvIndex, certificateDer: der, issuer, subject, notBefore, notAfter } as const;
    return { key: { kind, source, publicKeySpkiDer, hash: ekHash(publicKeySpkiDer) }, reference: undefined };
  }
  const { publicKeySpkiDer, reference } = await MAKERS[kind](bench);
  const source = templateSource(found, nvIndex);
  return { key: { kind, source, publicKeySpkiDer, hash: ekHash(publicKeySpkiDer) }, reference };
}

/**
 * Finds the key that the certificate certifies among those that the TPM has.
 * @returns handle or context file for the tools
 * @throws TpmError TPM_EK_CERTIFICATE_MISMATCH
 */
export async function findEndorsementKey(bench: Workbench, read: ReadEndorsementKey): Promise<string> {
  if (read.reference !== undefined) return read.reference;
  for (const look of CANDIDATES[read.key.kind]) {
    const candidate = await look(bench, read.key.publicKeySpkiDer);
    if (candidate?.publicKeySpkiDer.equals(read.key.publicKeySpkiDer) === true) return candidate.reference;
  }
  const nvIndex = nvIndexText(ENDORSEMENT_KINDS[read.key.kind].certificateIndex);
  throw new TpmError(
    "TPM_EK_CERTIFICATE_MISMATCH",
    `the TPM does not have the key of its endorsement key certificate in NV ${nvIndex}`,
    { details: { ekHash: read.key.hash, nvIndex } },
  );
}

function templateSource(found: Exclude<FoundCertificate, { kind: "found" }>, nvIndex: number): EndorsementKeySource {
  if (found.kind === "absent") {
    const why = `the TPM holds no endorsement key certificate (NV ${nvIndexText(nvIndex)} is not defined)`;
    return { kind: "template", why };
  }
  return { kind: "template", why: found.problem.message, certificateProblem: found.problem };
}
