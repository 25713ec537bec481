/** Valid inputs: what a software TPM returned, and messages that our own writers make of it. */
import * as protocol from "@rancheros/protocol/attestation";
import {
  encodeChallenge,
  encodeChallengeResponse,
  formatAttestationJson,
  type AttestationData,
} from "@rancheros/protocol/messages";
import crl from "../../packages/operator/test/unit/attestation/testdata/openssl-crl.json" with { type: "json" };
import swtpm from "../../packages/protocol/test/unit/tpm/testdata/swtpm.json" with { type: "json" };

type Vectors = readonly [Buffer, ...Buffer[]];

function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const {
  rsaChildOfStorageRoot: rsaKey,
  rsaPrimaryWithQualifyingData: primaryKey,
  eccPrimary: eccKey,
} = swtpm.attestationKeys;

export const publicAreas: Vectors = [
  hex(rsaKey.public),
  hex(primaryKey.public),
  hex(eccKey.public),
  hex(swtpm.endorsementKeys.rsa.public),
  hex(swtpm.endorsementKeys.ecc.public),
  ...Object.values(swtpm.publicAreas).map((area) => hex(area.public)),
];
export const attests: Vectors = [
  hex(rsaKey.createAttestation),
  hex(primaryKey.createAttestation),
  hex(eccKey.createAttestation),
  hex(swtpm.otherAttestations.quote.attest),
  hex(swtpm.otherAttestations.certify.attest),
];
export const creationDatas: Vectors = [hex(rsaKey.createData), hex(primaryKey.createData), hex(eccKey.createData)];
export const signatures: Vectors = [
  hex(rsaKey.createSignature),
  hex(eccKey.createSignature),
  hex(swtpm.otherAttestations.quote.signature),
  hex(swtpm.otherAttestations.certify.signature),
];
export const subjectPublicKeys: Vectors = [
  hex(swtpm.endorsementKeys.rsa.spki),
  hex(swtpm.endorsementKeys.ecc.spki),
  hex(swtpm.credentials.rsa.spki),
];
const certificate = hex(swtpm.endorsementCertificate);
const wrapper = Buffer.from([0x10, 0x01, 0, certificate.length >> 8, certificate.length & 0xff]);
export const certificates: Vectors = [
  certificate,
  Buffer.concat([wrapper, certificate]),
  Buffer.concat([certificate, Buffer.alloc(300, 0xff)]),
];
export const revocationLists: Vectors = [hex(crl.list)];
export const sizedStructures: Vectors = [
  hex(swtpm.credentials.rsa.credentialBlob),
  hex(swtpm.credentials.rsa.encryptedSecret),
  hex(swtpm.credentials.ecc.encryptedSecret),
];

function attestationKey(key: typeof rsaKey): AttestationData["ak"] {
  return {
    public: hex(key.public),
    createData: hex(key.createData),
    createAttestation: hex(key.createAttestation),
    createSignature: hex(key.createSignature),
  };
}

export const attestations: readonly [AttestationData, AttestationData, AttestationData] = [
  { ek: { type: "certificate", certificateDer: certificate }, ak: attestationKey(rsaKey) },
  { ek: { type: "public-key", spkiDer: subjectPublicKeys[0] }, ak: attestationKey(primaryKey) },
  { ek: { type: "public-key", spkiDer: hex(swtpm.endorsementKeys.ecc.spki) }, ak: attestationKey(eccKey) },
];
export const attestationJsons: Vectors = [
  Buffer.from(formatAttestationJson(attestations[0])),
  ...attestations.slice(1).map((data) => Buffer.from(formatAttestationJson(data))),
];
const credential = {
  credentialBlob: hex(swtpm.credentials.rsa.credentialBlob),
  encryptedSecret: hex(swtpm.credentials.rsa.encryptedSecret),
};
export const challenges: Vectors = [encodeChallenge(credential)];
export const challengeResponses: Vectors = [encodeChallengeResponse({ secret: hex(swtpm.credentials.secret) })];

const smbios = {
  "System Information": { Manufacturer: "QEMU", "Product Name": "Standard PC", "Serial Number": "1", UUID: "" },
  "Memory Device": [{ Size: "1 GB" }, { Size: "2 GB" }],
};
export const smbiosTrees: Vectors = [json(smbios), json({}), json({ a: { b: { c: { d: ["e", ["f"]] } } } })];

const report = {
  ...protocol.EMPTY_REPORT,
  smbios,
  labels: { "example.com/rack": "12" },
  annotations: { note: "x" },
  addresses: [{ type: "InternalIP", address: "192.0.2.7" }],
  os: { name: "RancherOS", version: "2", image: "example.com/os:2" },
  agentVersion: "0.1.0",
};
const machine = { namespace: "fleet", name: "m-1", uid: "00000000-0000-0000-0000-000000000001" };
const version = { protocol: protocol.PROTOCOL_VERSION };
const reportBytes = protocol.writeMachineReport(report);
const digest = Buffer.alloc(protocol.DIGEST_BYTES, 7);

/** By the name of their reader. */
export const protocolMessages = {
  readNonceRequest: [protocol.writeNonceRequest(version)],
  readNonceAnswer: [protocol.writeNonceAnswer({ ...version, nonce: Buffer.alloc(48, 1), expiresInSeconds: 60 })],
  readAttestRequest: [
    protocol.writeAttestRequest({
      ...version,
      ...attestations[0],
      ekChain: [],
      nonce: Buffer.alloc(48, 1),
      channel: digest,
      purpose: { kind: "registration", token: "abc" },
    }),
    protocol.writeAttestRequest({
      ...version,
      ...attestations[1],
      ekChain: attestations[1]?.ek.type === "certificate" ? [digest, reportBytes] : [],
      nonce: Buffer.alloc(48, 2),
      channel: digest,
      purpose: { kind: "session" },
    }),
  ],
  readChallengeAnswer: [
    protocol.writeChallengeAnswer({ ...version, ...credential, state: Buffer.alloc(900, 3), expiresInSeconds: 60 }),
  ],
  readAnswerRequest: [
    protocol.writeAnswerRequest({ ...version, state: Buffer.alloc(900, 3), proof: digest, report: reportBytes }),
    protocol.writeAnswerRequest({ ...version, state: Buffer.alloc(90, 3), proof: digest, report: Buffer.alloc(0) }),
  ],
  readSealedAnswer: [protocol.writeSealedAnswer({ ...version, sealed: Buffer.alloc(600, 4) })],
  readAdmission: [
    protocol.writeAdmission({
      machine,
      approval: "Approved",
      trust: "virtual",
      config: { rancheros: { install: { device: "/dev/vda" } } },
      session: { token: "abc.def", key: Buffer.alloc(32, 8), expiresInSeconds: 900 },
      ca: "-----BEGIN CERTIFICATE-----",
      nextAskInSeconds: 60,
    }),
  ],
  readMachineState: [protocol.writeMachineState({ ...version, machine, approval: "Pending", nextAskInSeconds: 5 })],
  readMachineReport: [reportBytes, protocol.writeMachineReport(protocol.EMPTY_REPORT)],
  readProtocolRefusal: [
    protocol.writeProtocolRefusal({ code: "EK_TOO_SHORT", message: "too short", retryAfterSeconds: 10 }),
  ],
} as const satisfies Readonly<Record<string, Vectors>>;

export const seal = { secret: hex(swtpm.credentials.secret), exchange: { state: Buffer.alloc(90, 3), proof: digest } };
export const sealedAnswers: Vectors = [
  protocol.sealAnswer(protocolMessages.readAdmission[0], seal.secret, seal.exchange, Buffer.alloc(12, 5)),
];
