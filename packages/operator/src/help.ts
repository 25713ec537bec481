/** The text of `rancheros-operator --help`. */
import { SETTINGS } from "./settings/index.ts";

export function helpText(): string {
  const rows = Object.values(SETTINGS).map((setting) => {
    const fallback = setting.fallback === "" ? "" : ` (default ${setting.fallback})`;
    return `  --${setting.flag} ${setting.value}\n      ${setting.help}${fallback} [${setting.env}]`;
  });
  return `rancheros-operator: decides which machines join, and what they get

Usage
  rancheros-operator [run] [SETTINGS]   serve machines until SIGTERM
  rancheros-operator crds               print the CustomResourceDefinitions as YAML
  rancheros-operator version            print the version
  rancheros-operator --help             print this

Examples
  rancheros-operator crds | kubectl apply -f -
  rancheros-operator --server-url https://operator.example.com:8443

Settings
${rows.join("\n")}

Exit status
  0 ended by SIGTERM or SIGINT, 1 an error, 2 a bad command line
`;
}
