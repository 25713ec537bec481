/** A signature below a tag by an identity, put into the form of a bundle: the same facts, spelt otherwise. */
import { createHash } from "node:crypto";
import type { SimpleCandidate } from "./candidate.ts";
import { isFields, readJsonObject, type Fields } from "./fields.ts";

const CERTIFICATE = "dev.sigstore.cosign/certificate";
const LOGGED = "dev.sigstore.cosign/bundle";
const STAMPED = "dev.sigstore.cosign/rfc3161timestamp";
const PEM = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;
/** The one that allows inclusion promises without proofs, as cosign's annotations have them. */
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle+json;version=0.1";

/**
 * Chains that lie beside it are left out: those of the trusted root count.
 * @returns undefined where there is no certificate: it is the signature of a key
 * Source: cosign specs/SIGNATURE_SPEC.md; rekor's LogEntry; sigstore protobuf-specs, sigstore_bundle.proto
 */
export function bundleOfAnnotations({ payload, signature, annotations }: SimpleCandidate): Fields | undefined {
  const certificate = PEM.exec(annotations[CERTIFICATE] ?? "")?.[1]?.replaceAll(/\s/g, "");
  if (certificate === undefined) return undefined;
  const entry = logEntryOf(annotations[LOGGED]);
  const stamp = jsonOf(annotations[STAMPED])?.["SignedRFC3161Timestamp"];
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: certificate }] },
      tlogEntries: entry === undefined ? [] : [entry],
      ...(stamp === undefined
        ? {}
        : { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: stamp }] } }),
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: createHash("sha256").update(payload).digest("base64") },
      signature: signature.toString("base64"),
    },
  };
}

function logEntryOf(text: string | undefined): Fields | undefined {
  const logged = jsonOf(text);
  const payload = logged?.["Payload"];
  if (logged === undefined || !isFields(payload)) return undefined;
  const { body, integratedTime, logIndex, logID } = payload;
  const content = typeof body === "string" ? jsonOf(Buffer.from(body, "base64").toString("utf8")) : undefined;
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(String(logID), "hex").toString("base64") },
    kindVersion: { kind: content?.["kind"], version: content?.["apiVersion"] },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: logged["SignedEntryTimestamp"] },
    canonicalizedBody: body,
  };
}

function jsonOf(text: string | undefined): Fields | undefined {
  return text === undefined ? undefined : readJsonObject(Buffer.from(text, "utf8"));
}
