/** What a Sigstore bundle has in it: what was signed, and the signature. */
import { isFields, readBase64, type Fields } from "./fields.ts";

export type BundleContent =
  | { readonly kind: "statement"; readonly payload: Buffer; readonly signed: Buffer; readonly signature: Buffer }
  | { readonly kind: "message"; readonly message: Fields; readonly signature: Buffer };

const IN_TOTO = "application/vnd.in-toto+json";

/** @returns what it is, or what is wrong with it. Source: sigstore protobuf-specs, sigstore_bundle.proto, as JSON */
export function readBundleContent(document: Fields): BundleContent | { readonly problem: string } {
  const { dsseEnvelope, messageSignature } = document;
  if (isFields(dsseEnvelope) && messageSignature === undefined) return statementOf(dsseEnvelope);
  if (!isFields(messageSignature) || dsseEnvelope !== undefined) {
    return { problem: "a bundle has neither an envelope nor a message's signature, or both" };
  }
  const signature = readBase64(messageSignature["signature"]);
  if (signature === undefined) return { problem: "a bundle has no signature in it" };
  return { kind: "message", message: messageSignature, signature };
}

function statementOf({ payload: told, payloadType, signatures }: Fields): BundleContent | { readonly problem: string } {
  const payload = readBase64(told);
  if (payload === undefined || payloadType !== IN_TOTO)
    return { problem: "a bundle has no statement of in-toto in it" };
  const list: readonly unknown[] = Array.isArray(signatures) ? signatures : [];
  const [first, another] = list;
  const signature = readBase64(isFields(first) ? first["sig"] : undefined);
  if (signature === undefined || another !== undefined) return { problem: "a bundle has not one signature in it" };
  return { kind: "statement", payload, signed: preAuthenticationEncoding(payload), signature };
}

/** What is signed in place of a payload. Source: DSSE protocol.md, PAE */
function preAuthenticationEncoding(payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(IN_TOTO)} ${IN_TOTO} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, "utf8"), payload]);
}

/** Whether it says that a key was used that is known elsewhere, and not a certificate that it brings along. */
export function isOfKey(document: Fields): boolean {
  const material = document["verificationMaterial"];
  return isFields(material) && isFields(material["publicKey"]);
}
