/** What a signed statement says: of which image it is. */
import { createHash } from "node:crypto";
import { parseImageReference, writeImageName } from "../images/index.ts";
import { canonicalName } from "./canonical-name.ts";
import { isFields, readBase64, readJsonObject, type Fields } from "./fields.ts";
import { SIGN_PREDICATE } from "./find-candidates.ts";

/** The image that is to be used. */
export interface ClaimedImage {
  /** HOST/REPOSITORY */
  readonly name: string;
  readonly digest: string;
  /** Whether the statement has to name the repository too. */
  readonly sameRepository: boolean;
}

const SIMPLE_TYPE = "cosign container image signature";
const STATEMENTS: readonly unknown[] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/** By name and by number, as JSON of protobuf has either. Source: sigstore protobuf-specs, sigstore_common.proto */
const HASHES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ["SHA2_256", "sha256"],
  [1, "sha256"],
  ["SHA2_384", "sha384"],
  [2, "sha384"],
  ["SHA2_512", "sha512"],
  [3, "sha512"],
]);

/**
 * @param payload  as it was signed
 * @returns why it is no statement about this image, or undefined where it is one
 * Source: cosign specs/SIGNATURE_SPEC.md; containers/image docs/atomic-signature.md
 */
export function simpleClaimProblem(payload: Buffer, image: ClaimedImage): string | undefined {
  const critical = readJsonObject(payload)?.["critical"];
  if (!isFields(critical)) return "what is signed has no field critical";
  if (critical["type"] !== SIMPLE_TYPE) return `what is signed is no ${SIMPLE_TYPE}`;
  const digest = fieldOf(critical["image"], "docker-manifest-digest");
  if (digest !== image.digest) return `what is signed is the image ${quoted(digest)}`;
  return image.sameRepository ? repositoryProblem(fieldOf(critical["identity"], "docker-reference"), image) : undefined;
}

/**
 * @param payload  of the envelope
 * Source: in-toto attestation spec/v1/statement.md; cosign's predicate of signatures
 */
export function statementClaimProblem(payload: Buffer, image: ClaimedImage): string | undefined {
  const statement = readJsonObject(payload) ?? {};
  if (!STATEMENTS.includes(statement["_type"])) return "what is signed is no statement of in-toto";
  // The same key may sign that an image was scanned, and found bad.
  if (statement["predicateType"] !== SIGN_PREDICATE) {
    return `what is signed is a statement of another kind: ${quoted(statement["predicateType"])}`;
  }
  const subjects: readonly unknown[] = Array.isArray(statement["subject"]) ? statement["subject"] : [];
  const ours = subjects.filter((one) => digestsOf(one).includes(image.digest));
  if (ours.length === 0) return `what is signed is ${quoted(subjects.flatMap(digestsOf).join(", "))}`;
  if (!image.sameRepository) return undefined;
  const problems = ours.map((one) => repositoryProblem(fieldOf(one, "name"), image));
  return problems.includes(undefined) ? undefined : problems[0];
}

/**
 * @param signature  of the bundle: what is said of the message
 * @param manifest   bytes that the image's digest names
 */
export function messageClaimProblem(signature: Fields, manifest: Buffer, image: ClaimedImage): string | undefined {
  const digest = signature["messageDigest"];
  const told = readBase64(fieldOf(digest, "digest"));
  const hash = HASHES.get(fieldOf(digest, "algorithm"));
  if (hash === undefined || told === undefined || !createHash(hash).update(manifest).digest().equals(told)) {
    return "what is signed is another message";
  }
  return image.sameRepository ? "a signature of the bare manifest names no repository" : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return isFields(value) ? value[name] : undefined;
}

function digestsOf(subject: unknown): readonly string[] {
  const digest = fieldOf(subject, "digest");
  if (!isFields(digest)) return [];
  return Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${String(hex)}`);
}

/** Written by a trusted signer: with tag or digest or without, and as people write names. */
function repositoryProblem(told: unknown, image: ClaimedImage): string | undefined {
  try {
    if (canonicalName(writeImageName(parseImageReference(told))) === canonicalName(image.name)) return undefined;
  } catch {
    // Said below.
  }
  return `what is signed is for the repository ${quoted(told)}`;
}

const QUOTED_LIMIT = 200;

function quoted(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, QUOTED_LIMIT)) : "none";
}
