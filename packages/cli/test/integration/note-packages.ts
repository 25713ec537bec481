/** With --import: writes to PACKAGES_FILE the names of the packages from which modules were loaded, when the process ends. */
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

const file = process.env["PACKAGES_FILE"];
// Not in processes that this one starts.
delete process.env["PACKAGES_FILE"];
const packages = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1];
    if (name !== undefined) packages.add(name);
    return nextLoad(url, context);
  },
});
process.once("exit", () => {
  if (file !== undefined) writeFileSync(file, [...packages].sort().join("\n"));
});
