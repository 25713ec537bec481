/** Cloud-configs as text. */
import { Document, isScalar, parseDocument, visit } from "yaml";

import { CliError } from "./errors.ts";

/** Honest cloud-configs use no aliases; a few hundred can blow up to gigabytes. */
const MAX_ALIASES = 50;

/**
 * @returns `#cloud-config` and YAML that readers of YAML 1.1 (cloud-init) and of 1.2 understand alike: a password `yes`
 *          or a mode `0755` stays text
 */
export function formatCloudConfig(config: Readonly<Record<string, unknown>>): string {
  const document = new Document(config, { compat: "yaml-1.1" });
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === "string" && needsQuotes(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  return `#cloud-config\n${document.toString({ lineWidth: 0 })}`;
}

/** PyYAML takes no tab on a plain line and no bare `=`, and YAML 1.1 has line breaks that 1.2 does not have. */
function needsQuotes(text: string): boolean {
  return text.includes("\n") ? /[^\P{Cc}\n\t]|[\u2028\u2029]/u.test(text) : /^=$|[\p{Cc}\u2028\u2029]/u.test(text);
}

/**
 * Modes that are written as octal numbers become texts: formatted as the numbers that YAML makes of them, 0511 would be
 * read as another mode.
 * @throws CliError CLI_USAGE, without the text: it may hold secrets
 */
export function parseCloudConfig(text: string, path: string): unknown {
  try {
    const parsed = parseDocument(text, { logLevel: "error" });
    const [mistake] = parsed.errors;
    if (mistake !== undefined) throw mistake;
    visit(parsed, {
      Pair(_key, { key, value }) {
        if (!isScalar(key) || key.value !== "permissions" || !isScalar(value)) return;
        if (typeof value.value === "number" && /^0o?[0-7]+$/.test(value.source ?? "")) value.value = value.source;
      },
    });
    const document: unknown = parsed.toJS({ maxAliasCount: MAX_ALIASES });
    // What holds itself has no end for whoever walks through it; this throws.
    JSON.stringify(document);
    return document;
  } catch {
    throw new CliError("CLI_USAGE", `the file ${path} is not YAML`, {
      mend: "Give a cloud-config, such as the one that the registration URL itself shows.",
    });
  }
}
