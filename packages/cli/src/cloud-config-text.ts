/** Cloud-configs as text. */
import { Document, isScalar, LineCounter, parseDocument, visit, type Scalar } from "yaml";

import { hasUnspelled, spellCharacters } from "@rancheros/agent/rancherd";
import { CliError } from "./errors.ts";

/** Honest cloud-configs use no aliases; a few hundred can blow up to gigabytes. */
const MAX_ALIASES = 50;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MEND = "Give a cloud-config, such as the one that the registration URL itself shows.";

/**
 * @returns `#cloud-config` and YAML that readers of YAML 1.1 (cloud-init) and of 1.2 understand alike: a password `yes`
 *          or a mode `0755` stays text
 */
export function formatCloudConfig(config: Readonly<Record<string, unknown>>): string {
  const document = new Document(config, { compat: "yaml-1.1", customTags: ["binary"] });
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === "string" && needsQuotes(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  // There are no comments: such characters stand between double quotes only.
  return `#cloud-config\n${spellCharacters(document.toString({ lineWidth: 0 }))}`;
}

/** PyYAML takes no tab on a plain line and no bare `=`. */
function needsQuotes(text: string): boolean {
  if (hasUnspelled(text)) return true;
  return text.includes("\n") ? /[^\P{Cc}\n\t]/u.test(text) : /^=$|\p{Cc}/u.test(text);
}

/**
 * Merge keys are taken as in YAML 1.1, which cloud-init and yip read: what is in the map itself counts more. Modes that are written as octal numbers become texts: formatted as the numbers that YAML makes of them, 0511 would be
 * read as another mode.
 * @throws CliError CLI_USAGE, without the text: it may hold secrets
 */
export function parseCloudConfig(text: string, path: string): unknown {
  try {
    const lineCounter = new LineCounter();
    const parsed = parseDocument(text, { logLevel: "error", merge: true, customTags: ["binary"], lineCounter });
    const [mistake] = parsed.errors;
    if (mistake !== undefined) throw mistake;
    const refuse = (offset: number, why: string): never => {
      const { line } = lineCounter.linePos(offset);
      throw new CliError("CLI_USAGE", `the file ${path} has a value that cannot be read: line ${line}: ${why}`, {
        mend: MEND,
      });
    };
    // The parser goes on with the text as it stands, which nobody has meant.
    const [odd] = parsed.warnings.filter(({ code }) => code === "TAG_RESOLVE_FAILED");
    if (odd !== undefined) refuse(odd.pos[0], "a tag (!) is not known, or its value is none of its kind");
    visit(parsed, {
      Scalar(_key, scalar) {
        if (!isBrokenBinary(scalar)) return;
        refuse(scalar.range?.[0] ?? 0, "what !!binary marks is no base64");
      },
      Pair(_key, { key, value }) {
        if (!isScalar(key) || key.value !== "permissions" || !isScalar(value)) return;
        if (typeof value.value === "number" && /^0o?[0-7]+$/.test(value.source ?? "")) value.value = value.source;
      },
    });
    const document: unknown = parsed.toJS({ maxAliasCount: MAX_ALIASES });
    // What holds itself has no end for whoever walks through it; this throws.
    JSON.stringify(document);
    return document;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("CLI_USAGE", `the file ${path} is not YAML`, { mend: MEND });
  }
}

/** What is no base64 would be left out of it without a word. */
function isBrokenBinary({ value, source = "" }: Scalar): boolean {
  return value instanceof Uint8Array && !BASE64.test(source.replaceAll(/\s/g, ""));
}
