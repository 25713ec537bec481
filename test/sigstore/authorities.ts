/**
 * Certificate authority, certificate log, signature log and time stamps as Sigstore has them, made by @sigstore/mock: real
 * certificates, real signatures, one entry in each log. It asks nobody whether an identity is one.
 */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { initializeCA, initializeCTLog, initializeTLog, initializeTSA } from "@sigstore/mock";

export interface IdentityOptions {
  readonly subject?: string;
  readonly issuer?: string;
  /** Default: true. */
  readonly isLogged?: boolean;
  /** Default: false. */
  readonly isStamped?: boolean;
}

export interface Authorities {
  /** As JSON. */
  readonly trustedRoot: Readonly<Record<string, unknown>>;
  /** A bundle around a statement of in-toto. */
  envelope(statement: Buffer, options?: IdentityOptions): Promise<Record<string, unknown>>;
  /** A bundle that is a signature of a message. */
  message(message: Buffer, options?: IdentityOptions): Promise<Record<string, unknown>>;
  /** Annotations of a payload below cosign's tag. */
  annotations(payload: Buffer, options?: IdentityOptions): Promise<Readonly<Record<string, string>>>;
}

/** What the log answers. Source: rekor's openapi.yaml, LogEntry */
interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly treeSize: number;
      readonly rootHash: string;
      readonly checkpoint: string;
    };
  };
}

export const SUBJECT = "https://github.com/example/os/.github/workflows/release.yml@refs/tags/v1";
export const ISSUER = "https://token.actions.githubusercontent.com";
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IN_TOTO = "application/vnd.in-toto+json";
const ISSUER_EXTENSION = "1.3.6.1.4.1.57264.1.8";
const SHA256 = "2.16.840.1.101.3.4.2.1";
const DAY_MS = 86_400_000;
/** Within the ten minutes of a certificate. */
const STAMPED_AHEAD_MS = 300_000;

function base64(bytes: ArrayBufferView | Buffer): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function pem(der: string): string {
  return `-----BEGIN CERTIFICATE-----\n${der.replaceAll(/(.{64})/g, "$1\n")}\n-----END CERTIFICATE-----\n`;
}

function entryOf({ body, integratedTime, logID, logIndex, verification }: LogEntry, kind: string) {
  const { signedEntryTimestamp, inclusionProof: proof } = verification;
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, "hex").toString("base64") },
    kindVersion: { kind, version: "0.0.1" },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      treeSize: String(proof.treeSize),
      rootHash: Buffer.from(proof.rootHash, "hex").toString("base64"),
      hashes: [],
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: body,
  };
}

/**
 * @param certifiedAt      when certificates are made, which are good for ten minutes; default: now
 * @param stampFractionMs  of a second, in all time stamps
 */
export async function startAuthorities(certifiedAt?: Date, stampFractionMs = 0): Promise<Authorities> {
  const keys = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const ctLog = await initializeCTLog(keys(), certifiedAt);
  const ca = await initializeCA(generateKeyPairSync("ec", { namedCurve: "secp384r1" }), ctLog, certifiedAt);
  const log = await initializeTLog("https://rekor.example.com", keys());
  // Ahead, so that certificates which are made meanwhile have begun.
  const stampedAt = new Date(Math.floor(Date.now() / 1_000) * 1_000 + STAMPED_AHEAD_MS + stampFractionMs);
  const tsa = await initializeTSA(generateKeyPairSync("ec", { namedCurve: "secp384r1" }), stampedAt);
  const validFor = { start: new Date(Date.now() - DAY_MS).toISOString() };
  const keyDetails = "PKIX_ECDSA_P256_SHA_256";
  const logOf = (publicKey: Buffer, keyId: string, baseUrl: string) => {
    return {
      baseUrl,
      hashAlgorithm: "SHA2_256",
      publicKey: { rawBytes: publicKey.toString("base64"), keyDetails, validFor },
      logId: { keyId },
    };
  };
  const authority = (certificates: readonly ArrayBufferView[]) => {
    return { certChain: { certificates: certificates.map((one) => ({ rawBytes: base64(one) })) }, validFor };
  };
  const trustedRoot = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    certificateAuthorities: [authority([ca.rootCertificate])],
    timestampAuthorities: [authority([tsa.intCertificate, tsa.rootCertificate])],
    tlogs: [logOf(log.publicKey, sha256(log.publicKey).toString("base64"), "https://rekor.example.com")],
    ctlogs: [logOf(ctLog.publicKey, base64(ctLog.logID), "https://ctfe.example.com")],
  };

  /** The part that all bundles have in common: who, when, and where it is written down. */
  async function signed(
    data: Buffer,
    entryOf: (signature: string, certificate: string) => object,
    how: IdentityOptions,
  ) {
    const { subject = SUBJECT, issuer = ISSUER, isLogged = true, isStamped = false } = how;
    const { publicKey, privateKey } = keys();
    const certificate = await ca.issueCertificate({
      publicKey: publicKey.export({ type: "spki", format: "der" }),
      subjectAltName: subject,
      extensions: [{ oid: ISSUER_EXTENSION, value: issuer }],
    });
    const rawBytes = base64(certificate);
    const signature = sign("sha256", data, privateKey);
    const verifier = Buffer.from(pem(rawBytes)).toString("base64");
    const asked = entryOf(signature.toString("base64"), verifier);
    const logged = (isLogged ? await log.log(asked) : {}) as Readonly<Record<string, LogEntry>>;
    const [entry] = Object.values(logged);
    const request = { artifactHash: sha256(signature), hashAlgorithmOID: SHA256, nonce: 1, policyOID: "1.2.3.4" };
    const stamps = isStamped ? [{ signedTimestamp: base64(await tsa.timestamp(request)) }] : [];
    return { rawBytes, signature, entry, stamps };
  }

  type Signed = Awaited<ReturnType<typeof signed>>;

  function materialOf({ rawBytes, entry, stamps }: Signed, kind: string) {
    return {
      certificate: { rawBytes },
      tlogEntries: entry === undefined ? [] : [entryOf(entry, kind)],
      timestampVerificationData: { rfc3161Timestamps: stamps },
    };
  }

  const recordOf = (data: Buffer) => (content: string, verifier: string) => {
    const hash = { algorithm: "sha256", value: sha256(data).toString("hex") };
    const spec = { data: { hash }, signature: { content, publicKey: { content: verifier } } };
    return { apiVersion: "0.0.1", kind: "hashedrekord", spec };
  };

  return {
    trustedRoot,
    async envelope(statement, options = {}) {
      const data = Buffer.concat([Buffer.from(`DSSEv1 28 ${IN_TOTO} ${statement.length} `), statement]);
      const payloadHash = { algorithm: "sha256", value: sha256(statement).toString("hex") };
      const entryOf = (signature: string, verifier: string) => {
        return { apiVersion: "0.0.1", kind: "dsse", spec: { payloadHash, signatures: [{ signature, verifier }] } };
      };
      const made = await signed(data, entryOf, options);
      const signatures = [{ sig: made.signature.toString("base64"), keyid: "" }];
      const dsseEnvelope = { payload: statement.toString("base64"), payloadType: IN_TOTO, signatures };
      return { mediaType: BUNDLE_TYPE, verificationMaterial: materialOf(made, "dsse"), dsseEnvelope };
    },
    async message(message, options = {}) {
      const made = await signed(message, recordOf(message), options);
      const messageDigest = { algorithm: "SHA2_256", digest: sha256(message).toString("base64") };
      const messageSignature = { messageDigest, signature: made.signature.toString("base64") };
      return { mediaType: BUNDLE_TYPE, verificationMaterial: materialOf(made, "hashedrekord"), messageSignature };
    },
    async annotations(payload, options = {}) {
      const { rawBytes, signature, entry, stamps } = await signed(payload, recordOf(payload), options);
      const { body, integratedTime, logIndex, logID } = entry ?? {};
      const bundle = {
        SignedEntryTimestamp: entry?.verification.signedEntryTimestamp,
        Payload: { body, integratedTime, logIndex, logID },
      };
      const [stamp] = stamps;
      return {
        "dev.cosignproject.cosign/signature": signature.toString("base64"),
        "dev.sigstore.cosign/certificate": pem(rawBytes),
        ...(entry === undefined ? {} : { "dev.sigstore.cosign/bundle": JSON.stringify(bundle) }),
        ...(stamp === undefined
          ? {}
          : {
              "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({ SignedRFC3161Timestamp: stamp.signedTimestamp }),
            }),
      };
    },
  };
}
