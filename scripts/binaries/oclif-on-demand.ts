/** For esbuild: has each module of oclif load the others when it first uses them. */
import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** `const help_1 = require("./help");` and the like: what the TypeScript compiler makes of an import. */
const REQUIRED = /^(const|var) (\w+) = ((?:__importDefault\(|__importStar\()?require\("[^"]+"\)\)?);$/gmu;

/**
 * Flags, parser and errors would bring help, spinners and globbing along, a quarter of the time that a command takes.
 * The compiler writes each use as `help_1.Help`, so what asks for a property is the first use.
 */
export const oclifOnDemand: Plugin = {
  name: "oclif-on-demand",
  setup(bundler) {
    // Go reads this expression, which does not know the flag u.
    bundler.onLoad({ filter: /[/]@oclif[/]core[/]lib[/].*[.]js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const onDemand = "const __onDemand = (load) => new Proxy({}, { get: (_, key) => load()[key] });";
      return { contents: `${onDemand}\n${text.replace(REQUIRED, "$1 $2 = __onDemand(() => $3);")}`, loader: "js" };
    });
  },
};
