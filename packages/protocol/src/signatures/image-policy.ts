/** Which images have to be signed, and by whom: what an administrator writes, read. */
import { SignatureError } from "./errors.ts";
import { isFields, tableOf } from "./fields.ts";
import { deadGlobProblem, imageGlobProblem, matchesImageGlob } from "./image-glob.ts";
import { readKeyless, type KeylessSigner } from "./keyless-signer.ts";
import { readPublicKey, type KeySigner } from "./public-key.ts";

/** enforce: unsigned images are refused. warn: they are told of. ignore: nobody looks. */
export type PolicyMode = "enforce" | "warn" | "ignore";

export type Signer = KeySigner | KeylessSigner;

export interface PolicyRule {
  /** For messages, such as `/etc/rancher/rancheros/image-policy.yaml, rule 2`. */
  readonly name: string;
  readonly images: readonly string[];
  readonly mode: PolicyMode;
  /** A signature of one of them is enough. Empty only with `ignore`. */
  readonly require: readonly Signer[];
  /** Whether a signature has to name the very repository from which the image comes. */
  readonly sameRepository: boolean;
}

export interface ImagePolicy {
  readonly rules: readonly PolicyRule[];
  /** What is no mistake, and is hardly meant: patterns that no image could match. A line each. */
  readonly warnings: readonly string[];
}

const MODES: readonly string[] = ["enforce", "warn", "ignore"] satisfies readonly PolicyMode[];
const RULES_MAX = 100;
const IMAGES_MAX = 100;
const SIGNERS_MAX = 16;
const PROBLEMS_TOLD = 20;

/**
 * @param document  of the YAML or JSON, parsed: a list of rules
 * @param origin    for messages: the file
 * @throws SignatureError  SIGNATURE_POLICY_INVALID that names every bad field
 */
export function parseImagePolicy(document: unknown, origin: string): ImagePolicy {
  const problems: string[] = [];
  const rules = listOf(document, "the file", RULES_MAX, problems).map((value, index) =>
    readRule(value, `rules[${index}]`, `${origin}, rule ${index + 1}`, problems),
  );
  if (problems.length === 0) return { rules, warnings: told(deadPatterns(rules)).map((one) => `${origin}: ${one}`) };
  throw new SignatureError("SIGNATURE_POLICY_INVALID", `${origin}: ${told(problems).join("; ")}`, { problems });
}

function told(all: readonly string[]): readonly string[] {
  const more = all.length - PROBLEMS_TOLD;
  return more > 0 ? [...all.slice(0, PROBLEMS_TOLD), `and ${more} more`] : all;
}

function deadPatterns(rules: readonly PolicyRule[]): readonly string[] {
  return rules.flatMap(({ images }, rule) =>
    images.flatMap((glob, index) => {
      const problem = deadGlobProblem(glob);
      return problem === undefined ? [] : [`rules[${rule}].images[${index}]: ${problem}`];
    }),
  );
}

/**
 * The first rule that is about the image, in the order in which they are written.
 * @param name  HOST/REPOSITORY
 */
export function ruleFor({ rules }: ImagePolicy, name: string): PolicyRule | undefined {
  return rules.find(({ images }) => images.some((glob) => matchesImageGlob(glob, name)));
}

function readRule(value: unknown, path: string, name: string, problems: string[]): PolicyRule {
  if (!isFields(value)) {
    problems.push(`${path}: is no table of names and values`);
    return { name, images: [], mode: "enforce", require: [], sameRepository: false };
  }
  const fields = tableOf(value, path, ["images", "mode", "require", "sameRepository"], problems);
  const images = listOf(fields["images"], `${path}.images`, IMAGES_MAX, problems).flatMap((one, index) => {
    const problem = typeof one === "string" ? imageGlobProblem(one) : "is no text";
    if (problem !== undefined) problems.push(`${path}.images[${index}]: ${problem}`);
    return typeof one === "string" && problem === undefined ? [one] : [];
  });
  if (Array.isArray(fields["images"]) && fields["images"].length === 0) problems.push(`${path}.images: is empty`);
  const mode = readMode(fields["mode"], path, problems);
  const require = readSigners(fields["require"], mode, path, problems);
  const sameRepository = fields["sameRepository"] ?? false;
  if (typeof sameRepository !== "boolean") problems.push(`${path}.sameRepository: is neither true nor false`);
  return { name, images, mode, require, sameRepository: sameRepository === true };
}

function readMode(value: unknown, path: string, problems: string[]): PolicyMode {
  const mode = value ?? "enforce";
  if (isMode(mode)) return mode;
  problems.push(`${path}.mode: is none of ${MODES.join(", ")}`);
  return "enforce";
}

function isMode(value: unknown): value is PolicyMode {
  return typeof value === "string" && MODES.includes(value);
}

function readSigners(value: unknown, mode: PolicyMode, path: string, problems: string[]): readonly Signer[] {
  if (mode === "ignore" && value === undefined) return [];
  const list = listOf(value, `${path}.require`, SIGNERS_MAX, problems);
  if (Array.isArray(value) && list.length === 0) problems.push(`${path}.require: names nobody`);
  return list.flatMap((one, index) => readSigner(one, `${path}.require[${index}]`, problems));
}

function readSigner(value: unknown, path: string, problems: string[]): readonly Signer[] {
  const fields = tableOf(value, path, ["publicKey", "keyless"], problems);
  const { publicKey, keyless } = fields;
  if ((publicKey === undefined) === (keyless === undefined)) {
    problems.push(`${path}: wants either publicKey or keyless`);
    return [];
  }
  if (publicKey === undefined) return readKeyless(keyless, `${path}.keyless`, problems);
  const key = readPublicKey(publicKey);
  if ("key" in key) return [key];
  problems.push(`${path}.publicKey: ${key.problem}`);
  return [];
}

function listOf(value: unknown, path: string, max: number, problems: string[]): readonly unknown[] {
  if (!Array.isArray(value)) problems.push(`${path}: ${value === undefined ? "is missing" : "is no list"}`);
  else if (value.length > max) problems.push(`${path}: has more than ${max} entries`);
  else return value;
  return [];
}
