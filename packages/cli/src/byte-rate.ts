/** Amounts of bytes as people write them. */
import { CliError } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
};

/**
 * @param text  for example 500KiB, 10MiB, 1000000; undefined gives undefined
 * @throws CliError CLI_USAGE
 */
export function parseByteRate(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = ""] = /^(\d{1,12}(?:\.\d{1,3})?)([KMG]i?|)B?$/.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (UNITS[unit] ?? Number.NaN));
  if (bytes >= 1) return bytes;
  throw new CliError("CLI_USAGE", `--${flag}: ${JSON.stringify(text)} is no amount of bytes`, {
    mend: "Give it as 500KiB or 10MiB.",
  });
}
