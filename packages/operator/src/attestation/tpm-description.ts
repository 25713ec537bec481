/** What an endorsement key certificate says of its TPM: directoryName of subjectAltName. TCG EK Credential Profile 2.6, 3.2.9. */
import { DER_TAG, DerReader, TpmFormatError } from "@rancheros/protocol/tpm";
import { OID, type Certificate } from "./certificate.ts";
import type { TpmDescription } from "./trust-class.ts";

const DIRECTORY_NAME = 0xa4;
const SET = 0x31;
/** UTF8String, PrintableString, T61String and IA5String. */
const TEXT_TAGS: readonly number[] = [0x0c, 0x13, 0x14, 0x16];
const MAX_CHARACTERS = 64;

/** Never fails: some makers' names are broken, and nothing is decided on them. */
export function tpmDescriptionOf(certificate: Certificate): TpmDescription {
  const found = new Map<string, string>();
  const extension = certificate.extensions.get(OID.SUBJECT_ALTERNATIVE_NAME);
  try {
    if (extension !== undefined) collectAttributes(extension.value, found);
  } catch (error) {
    if (!(error instanceof TpmFormatError)) throw error;
  }
  return {
    manufacturer: found.get(OID.TPM_MANUFACTURER) ?? "",
    model: found.get(OID.TPM_MODEL) ?? "",
    version: found.get(OID.TPM_VERSION) ?? "",
  };
}

function collectAttributes(value: Buffer, found: Map<string, string>): void {
  const names = new DerReader(value, "TPM_FORMAT_CERTIFICATE", "subjectAltName").enter(DER_TAG.SEQUENCE, "names");
  while (names.nextTag !== undefined) {
    const { tag, content } = names.read(names.nextTag, "name");
    if (tag !== DIRECTORY_NAME) continue;
    const name = new DerReader(content, "TPM_FORMAT_CERTIFICATE", "directoryName").enter(DER_TAG.SEQUENCE, "name");
    while (name.remainingBytes > 0) {
      const set = name.enter(SET, "set");
      while (set.remainingBytes > 0) collectAttribute(set.enter(DER_TAG.SEQUENCE, "attribute"), found);
    }
  }
}

function collectAttribute(attribute: DerReader, found: Map<string, string>): void {
  const oid = attribute.read(DER_TAG.OBJECT_IDENTIFIER, "type").content.toString("hex");
  const tag = attribute.nextTag;
  if (tag === undefined || !TEXT_TAGS.includes(tag)) return;
  // Whatever could break out of a log line or a label is left out.
  const text = attribute
    .read(tag, "value")
    .content.toString("utf8")
    .replaceAll(/[^\x20-\x7e]/g, "");
  found.set(oid, text.slice(0, MAX_CHARACTERS));
}
