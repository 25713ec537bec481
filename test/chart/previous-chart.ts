/** The chart as it was: an older version, a field of a schema and a column fewer, a rule fewer. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CHART } from "./helm.ts";

/** @param folder  where it is put; made. @throws Error  where today's chart has no longer what is taken out of it */
export function writePreviousChart(folder: string): void {
  cpSync(CHART, folder, { recursive: true });
  const change = (name: string, from: RegExp, to: string): void => {
    const file = path.join(folder, name);
    const text = readFileSync(file, "utf8");
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`${name} has no ${String(from)} any more`);
    writeFileSync(file, changed);
  };
  change("Chart.yaml", /^version: .*\nappVersion: .*$/m, "version: 0.0.9\nappVersion: 0.0.9");
  change("files/crds.yaml", / {16}suspend:\n(?: {18}.*\n)+/, "");
  // Of what is only done where there is Rancher.
  change(
    "templates/rbac.yaml",
    /^ {2}# rancher\/io\/cluster-registration-token[.]ts looks up[^]*?verbs: \[get\]\n/m,
    "",
  );
}
