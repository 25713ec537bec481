/** KEY=VALUE as flags give them. */
import { CliError } from "./errors.ts";

const MAX_ENTRIES = 64;
/** Half of what a report may have, so that SMBIOS has room beside. */
const MAX_BYTES = 24 * 1024;
const MAX_KEY_CHARACTERS = 317;
const MAX_VALUE_CHARACTERS: Readonly<Record<"label" | "annotation", number>> = { label: 63, annotation: 2_048 };

/**
 * @param texts  `KEY=VALUE`; the value may hold further `=`, and be empty
 * @param flag   for the error
 * @returns an object without prototype; of several values of a key the last
 * @throws CliError CLI_USAGE
 */
export function parseKeyValues(texts: readonly string[], flag: "label" | "annotation"): Record<string, string> {
  const values: Record<string, string> = {};
  Object.setPrototypeOf(values, null);
  for (const text of texts) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) throw bad(flag, text, "is not KEY=VALUE");
    const isKey = key.length <= MAX_KEY_CHARACTERS && /^[A-Za-z0-9][-A-Za-z0-9_./]*$/.test(key);
    if (!isKey) throw bad(flag, text, "has a key that Kubernetes does not take");
    if (value.length > MAX_VALUE_CHARACTERS[flag] || !value.isWellFormed())
      throw bad(flag, text, "has too long a value");
    values[key] = value;
  }
  const bytes = Buffer.byteLength(JSON.stringify(values));
  if (Object.keys(values).length > MAX_ENTRIES || bytes > MAX_BYTES) {
    throw new CliError("CLI_USAGE", `--${flag}: there can be ${MAX_ENTRIES}, and ${MAX_BYTES / 1024} KiB in all`);
  }
  return values;
}

function bad(flag: string, text: string, what: string): CliError {
  return new CliError("CLI_USAGE", `--${flag}: ${JSON.stringify(text.slice(0, 80))} ${what}`, {
    mend: `Give it as --${flag} example.com/rack=r1.`,
  });
}
