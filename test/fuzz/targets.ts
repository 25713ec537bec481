/** What is fuzzed: everything that reads bytes of the other side before that side has proved anything. */
import * as protocol from "@rancheros/protocol/attestation";
import {
  decodeChallenge,
  decodeChallengeResponse,
  MessageError,
  parseAttestationHeader,
  parseAttestationJson,
  parseEndorsementKey,
  parseSmbiosHeader,
  parseSmbiosTree,
  TPM_AUTHORIZATION_PREFIX,
} from "@rancheros/protocol/messages";
import * as tpm from "@rancheros/protocol/tpm";
import * as upgrade from "@rancheros/protocol/upgrade";
import { readRevocationList, verifyAttestation } from "../../packages/operator/src/attestation/index.ts";
import { planSeal, sealedPlans, upgradeMessages } from "./upgrade-vectors.ts";
import * as vectors from "./vectors.ts";

export interface FuzzTarget {
  readonly name: string;
  readonly vectors: readonly [Buffer, ...Buffer[]];
  /**
   * Reads the input. What it throws must be a coded error.
   * @returns the input written again, where every accepted input is the only one of its meaning
   */
  readonly read: (input: Buffer) => Buffer | undefined;
}

function only(read: (input: Buffer) => unknown): FuzzTarget["read"] {
  return (input) => {
    read(input);
    return undefined;
  };
}

const TPM_STRUCTURES: readonly FuzzTarget[] = [
  {
    name: "TPMT_PUBLIC",
    vectors: vectors.publicAreas,
    read: (input) => tpm.encodePublicArea(tpm.decodePublicArea(input)),
  },
  { name: "TPMS_ATTEST", vectors: vectors.attests, read: (input) => tpm.encodeAttest(tpm.decodeAttest(input)) },
  {
    name: "TPMS_CREATION_DATA",
    vectors: vectors.creationDatas,
    read: (input) => tpm.encodeCreationData(tpm.decodeCreationData(input)),
  },
  {
    name: "TPMT_SIGNATURE",
    vectors: vectors.signatures,
    read: (input) => tpm.encodeSignature(tpm.decodeSignature(input)),
  },
  {
    name: "TPM2B",
    vectors: vectors.sizedStructures,
    read: (input) => tpm.wrapTpm2b(tpm.unwrapTpm2b(input, "TPM2B"), "TPM2B"),
  },
  {
    name: "SubjectPublicKeyInfo",
    vectors: vectors.subjectPublicKeys,
    read: only((input) => tpm.encodeSubjectPublicKey(tpm.decodeSubjectPublicKey(input))),
  },
  {
    name: "EK certificate",
    vectors: vectors.certificates,
    read: only((input) => tpm.readEkCertificate(tpm.stripTcgCertificateWrapper(input))),
  },
  { name: "revocation list", vectors: vectors.revocationLists, read: only(readRevocationList) },
];

const LEGACY_MESSAGES: readonly FuzzTarget[] = [
  { name: "attestation data", vectors: vectors.attestationJsons, read: only(parseAttestationJson) },
  {
    name: "Authorization header",
    vectors: vectors.attestationJsons,
    read: only((input) => parseAttestationHeader(TPM_AUTHORIZATION_PREFIX + input.toString("base64"))),
  },
  {
    name: "Authorization header, its text",
    vectors: [Buffer.from(TPM_AUTHORIZATION_PREFIX + vectors.attestationJsons[0].toString("base64"))],
    read: only((input) => parseAttestationHeader(input.toString("latin1"))),
  },
  {
    name: "endorsement key PEM",
    vectors: [
      Buffer.from(
        `-----BEGIN CERTIFICATE-----\n${vectors.certificates[0].toString("base64")}\n-----END CERTIFICATE-----\n`,
      ),
    ],
    read: only((input) => {
      // It answers undefined; its caller refuses with this.
      if (parseEndorsementKey(input.toString("latin1")) === undefined) throw new MessageError("MESSAGE_FIELDS", "EK");
    }),
  },
  { name: "challenge", vectors: vectors.challenges, read: only(decodeChallenge) },
  { name: "challenge response", vectors: vectors.challengeResponses, read: only(decodeChallengeResponse) },
  {
    name: "X-Cattle-Smbios",
    vectors: vectors.smbiosTrees,
    read: only((input) => parseSmbiosHeader(input.toString("base64"))),
  },
  {
    name: "SMBIOS tree",
    vectors: vectors.smbiosTrees,
    read: only((input) => {
      parseSmbiosTree(jsonOf(input.toString()));
    }),
  },
];

/** What is no JSON is another reader's business. @throws MessageError */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MessageError("MESSAGE_NOT_JSON", "SMBIOS is not JSON", { cause });
  }
}

const READERS = {
  readNonceRequest: protocol.readNonceRequest,
  readNonceAnswer: protocol.readNonceAnswer,
  readAttestRequest: protocol.readAttestRequest,
  readChallengeAnswer: protocol.readChallengeAnswer,
  readAnswerRequest: protocol.readAnswerRequest,
  readSealedAnswer: protocol.readSealedAnswer,
  readAdmission: protocol.readAdmission,
  readMachineState: protocol.readMachineState,
  readMachineReport: protocol.readMachineReport,
  readProtocolRefusal: protocol.readProtocolRefusal,
} as const satisfies Readonly<Record<keyof typeof vectors.protocolMessages, unknown>>;

const PROTOCOL_MESSAGES: readonly FuzzTarget[] = [
  ...Object.entries(READERS).map(([name, read]) => ({
    name,
    vectors: vectors.protocolMessages[name as keyof typeof READERS],
    read: only(read),
  })),
  {
    name: "openAnswer",
    vectors: vectors.sealedAnswers,
    read: only((input) => protocol.openAnswer(input, vectors.seal.secret, vectors.seal.exchange)),
  },
];

/** What a machine says of its upgrade, and what it is told. */
const UPGRADE_MESSAGES: readonly FuzzTarget[] = [
  { name: "readPlanAnswer", vectors: upgradeMessages.readPlanAnswer, read: only(upgrade.readPlanAnswer) },
  { name: "readUpgradeStatus", vectors: upgradeMessages.readUpgradeStatus, read: only(upgrade.readUpgradeStatus) },
  { name: "readStatusAnswer", vectors: upgradeMessages.readStatusAnswer, read: only(upgrade.readStatusAnswer) },
  {
    name: "openSessionSeal",
    vectors: sealedPlans,
    read: only((input) => protocol.openSessionSeal(input, planSeal.what, planSeal.key)),
  },
];

/** The structures together, as the verifier takes them: one of them is spoilt, the others are as the TPM made them. */
const VERIFIER: readonly FuzzTarget[] = (["public", "createData", "createAttestation", "createSignature"] as const)
  .map((field): FuzzTarget => {
    const [first, ...others] = vectors.attestations;
    return {
      name: `verifier, ${field}`,
      vectors: [first.ak[field], ...others.map((data) => data.ak[field])],
      read: only((input) => verifyAttestation({ ek: first.ek, ak: { ...first.ak, [field]: input } })),
    };
  })
  .concat({
    name: "verifier, endorsement key",
    vectors: vectors.subjectPublicKeys,
    read: only((input) => {
      const [first] = vectors.attestations;
      verifyAttestation({ ek: { type: "public-key", spkiDer: input }, ak: first.ak });
    }),
  });

export const TARGETS: readonly FuzzTarget[] = [
  ...TPM_STRUCTURES,
  ...LEGACY_MESSAGES,
  ...PROTOCOL_MESSAGES,
  ...UPGRADE_MESSAGES,
  ...VERIFIER,
];
