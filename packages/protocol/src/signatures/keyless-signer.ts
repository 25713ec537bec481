/** Who may sign without a key of their own: an identity that an authority has put into a certificate of some minutes. */
import { readBase64, tableOf, type Fields } from "./fields.ts";

export interface KeylessSigner {
  readonly kind: "keyless";
  /** For messages. */
  readonly name: string;
  /** Who has seen the identity, such as https://token.actions.githubusercontent.com; as a whole. */
  readonly issuer: string;
  /** Whether the certificate's subject is one that may sign. */
  readonly isSubject: (subject: string) => boolean;
  /** Sigstore's trusted_root.json: authorities and logs, and from when to when they are believed. */
  readonly trustedRoot: Fields;
}

const TEXT_LIMIT = 2_048;
const AUTHORITIES_MAX = 64;
/** A subject is one of a certificate that anybody may have made: a pattern is not to run for long on it. */
const SUBJECT_LIMIT = 1_024;

const KNOWN = ["issuer", "subject", "subjectRegExp", "trustedRoot"] as const;

/** @param problems  gets one `path: problem` for each bad field */
export function readKeyless(value: unknown, path: string, problems: string[]): readonly KeylessSigner[] {
  const fields = tableOf(value, path, KNOWN, problems);
  const before = problems.length;
  const issuer = textOf(fields["issuer"], `${path}.issuer`, problems);
  const isSubject = subjectOf(fields, path, problems);
  const trustedRoot = trustedRootOf(fields["trustedRoot"], `${path}.trustedRoot`, problems);
  if (problems.length > before || isSubject === undefined) return [];
  const name = `${String(fields["subject"] ?? fields["subjectRegExp"])} as ${issuer} knows it`;
  return [{ kind: "keyless", name, issuer, isSubject, trustedRoot }];
}

function subjectOf(fields: Fields, path: string, problems: string[]): ((subject: string) => boolean) | undefined {
  const { subject, subjectRegExp } = fields;
  if ((subject === undefined) === (subjectRegExp === undefined)) {
    problems.push(`${path}: wants either subject or subjectRegExp`);
    return undefined;
  }
  if (subject !== undefined) {
    const wanted = textOf(subject, `${path}.subject`, problems);
    return (one) => one === wanted;
  }
  const text = textOf(subjectRegExp, `${path}.subjectRegExp`, problems);
  try {
    // Alone first: a bracket that closes the one below would let the pattern out of its anchors.
    void new RegExp(text, "u");
    // Of the whole subject, whether or not the pattern says so: a part of it is easily had by anybody.
    const pattern = new RegExp(`^(?:${text})$`, "u");
    return (one) => one.length <= SUBJECT_LIMIT && pattern.test(one);
  } catch {
    problems.push(`${path}.subjectRegExp: is no regular expression`);
    return undefined;
  }
}

function textOf(value: unknown, path: string, problems: string[]): string {
  if (typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT) return value;
  const problem = value === undefined ? "is missing" : `is no text of 1 to ${TEXT_LIMIT} characters`;
  problems.push(`${path}: ${problem}`);
  return "";
}

/** Source: sigstore protobuf-specs, sigstore_trustroot.proto, as JSON */
function trustedRootOf(value: unknown, path: string, problems: string[]): Fields {
  const root = tableOf(value, path, ROOT_FIELDS, problems);
  for (const name of LISTS) {
    const list = root[name] ?? [];
    if (!Array.isArray(list) || list.length > AUTHORITIES_MAX) {
      problems.push(`${path}.${name}: is no list of at most ${AUTHORITIES_MAX}`);
      continue;
    }
    const entries: readonly unknown[] = list;
    for (const [index, entry] of entries.entries()) CHECKS[name](entry, `${path}.${name}[${index}]`, problems);
    if (name === "certificateAuthorities" && list.length === 0) {
      problems.push(`${path}.${name}: ${root[name] === undefined ? "is missing" : "is empty"}`);
    }
  }
  return root;
}

const LISTS = ["certificateAuthorities", "timestampAuthorities", "tlogs", "ctlogs"] as const;
const ROOT_FIELDS = ["mediaType", ...LISTS] as const;

const CHECKS = {
  certificateAuthorities: checkAuthority,
  timestampAuthorities: checkAuthority,
  tlogs: checkLog,
  ctlogs: checkLog,
} as const;

function checkAuthority(value: unknown, path: string, problems: string[]): void {
  const { certChain } = tableOf(value, path, ["subject", "uri", "certChain", "validFor", "operator"], problems);
  const { certificates } = tableOf(certChain, `${path}.certChain`, ["certificates"], problems);
  const list: readonly unknown[] = Array.isArray(certificates) ? certificates : [];
  if (list.length === 0) problems.push(`${path}.certChain.certificates: is no list of certificates`);
  for (const [index, one] of list.entries()) {
    const { rawBytes } = tableOf(one, `${path}.certChain.certificates[${index}]`, ["rawBytes"], problems);
    if (readBase64(rawBytes) === undefined) {
      problems.push(`${path}.certChain.certificates[${index}].rawBytes: is no base64`);
    }
  }
}

const LOG_FIELDS = ["baseUrl", "hashAlgorithm", "publicKey", "logId", "checkpointKeyId", "operator"] as const;

function checkLog(value: unknown, path: string, problems: string[]): void {
  const { publicKey, logId } = tableOf(value, path, LOG_FIELDS, problems);
  const { rawBytes } = tableOf(publicKey, `${path}.publicKey`, ["rawBytes", "keyDetails", "validFor"], problems);
  if (readBase64(rawBytes) === undefined) problems.push(`${path}.publicKey.rawBytes: is no base64`);
  const { keyId } = tableOf(logId, `${path}.logId`, ["keyId"], problems);
  if (readBase64(keyId) === undefined) problems.push(`${path}.logId.keyId: is no base64`);
}
