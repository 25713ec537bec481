/** Extensions of a certificate that Node does not tell. */
import { X509Certificate } from "node:crypto";
import forge from "node-forge";

const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const BASIC_CONSTRAINTS = "2.5.29.19";
/** Tags of a context are numbered as universal ones are, and a certificate's extensions have number 3: RFC 5280 section 4.1. */
const EXTENSIONS_TAG = forge.asn1.Type.BITSTRING;

function partsOf(object: forge.asn1.Asn1 | undefined): readonly forge.asn1.Asn1[] {
  return object === undefined || typeof object.value === "string" ? [] : object.value;
}

function isExtensions({ tagClass, type }: forge.asn1.Asn1): boolean {
  return tagClass === forge.asn1.Class.CONTEXT_SPECIFIC && type === EXTENSIONS_TAG;
}

/** The bytes in the OCTET STRING of one extension; undefined where the certificate has none of the kind. */
function extensionOf(pem: string, oid: string): Buffer | undefined {
  const der = forge.util.createBuffer(new X509Certificate(pem).raw.toString("binary"));
  const [toBeSigned] = partsOf(forge.asn1.fromDer(der));
  const [extensions] = partsOf(partsOf(toBeSigned).find(isExtensions));
  const wanted = forge.asn1.oidToDer(oid).getBytes();
  const found = partsOf(extensions).find((one) => partsOf(one)[0]?.value === wanted);
  const value = partsOf(found).at(-1)?.value;
  return typeof value === "string" ? Buffer.from(value, "binary") : undefined;
}

/**
 * What the certificate says of its own key, which certificates below it name; undefined where it says nothing.
 * Source: RFC 5280 section 4.2.1.2
 */
export function subjectKeyIdOf(pem: string): Buffer | undefined {
  const octets = extensionOf(pem, SUBJECT_KEY_IDENTIFIER);
  if (octets === undefined) return undefined;
  const { value } = forge.asn1.fromDer(forge.util.createBuffer(octets.toString("binary")));
  return typeof value === "string" && value !== "" ? Buffer.from(value, "binary") : undefined;
}

/**
 * Whether the certificate says how many CAs there may be below it.
 * Source: RFC 5280 section 4.2.1.9, pathLenConstraint
 */
export function hasPathLength(pem: string): boolean {
  const octets = extensionOf(pem, BASIC_CONSTRAINTS);
  if (octets === undefined) return false;
  const constraints = forge.asn1.fromDer(forge.util.createBuffer(octets.toString("binary")));
  return partsOf(constraints).some(({ type }) => type === forge.asn1.Type.INTEGER);
}
