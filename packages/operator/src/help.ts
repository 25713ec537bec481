/** What `rancheros-operator` can be called with, and the text of its --help. */
import { SETTINGS } from "./settings/index.ts";

export const OPERATOR_SUMMARY = "decides which machines join, and what they get";

/** Each way to call it, and what that does. */
export const OPERATOR_COMMANDS: readonly (readonly [usage: string, meaning: string])[] = [
  ["rancheros-operator [run] [SETTINGS]", "serve machines until SIGTERM"],
  ["rancheros-operator crds", "print the CustomResourceDefinitions as YAML"],
  ["rancheros-operator display --file FILE", "print at most 4 MiB of a file, as pods of custom channels do"],
  ["rancheros-operator version", "print the version"],
  ["rancheros-operator --help", "print this"],
];

export const OPERATOR_EXAMPLES: readonly string[] = [
  "rancheros-operator crds | kubectl apply -f -",
  "rancheros-operator --server-url https://operator.example.com:8443",
];

export const OPERATOR_EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done; ended by SIGTERM or SIGINT"],
  [1, "an error"],
  [2, "the command line, or a file that it names, is wrong"],
];

export function helpText(): string {
  const rows = Object.values(SETTINGS).map((setting) => {
    const fallback = setting.fallback === "" ? "" : ` (default ${setting.fallback})`;
    return `  --${setting.flag} ${setting.value}\n      ${setting.help}${fallback} [${setting.env}]`;
  });
  const width = Math.max(...OPERATOR_COMMANDS.map(([usage]) => usage.length));
  const usages = OPERATOR_COMMANDS.map(([usage, meaning]) => `  ${usage.padEnd(width)}   ${meaning}`);
  const examples = OPERATOR_EXAMPLES.map((example) => `  ${example}`);
  const exits = OPERATOR_EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`);
  return `rancheros-operator: ${OPERATOR_SUMMARY}

Usage
${usages.join("\n")}

Examples
${examples.join("\n")}

Settings
${rows.join("\n")}

Exit status
  ${exits.join(", ")}
`;
}
