/** Bundles ros-agent into the folder that is its argument: ros-agent.cjs, and print-hardware.cjs and record-output.cjs, which it starts. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { build, type Plugin } from "esbuild";

/** `const help_1 = require("./help");` and the like: what the TypeScript compiler makes of an import. */
const REQUIRED = /^(const|var) (\w+) = ((?:__importDefault\(|__importStar\()?require\("[^"]+"\)\)?);$/gmu;

/**
 * Has each module of oclif load the others when it first uses them: flags, parser and errors would bring help, spinners
 * and globbing along, a quarter of the time that a command takes. The compiler writes each use as `help_1.Help`, so what
 * asks for a property is the first use.
 */
const oclifOnDemand: Plugin = {
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

const [outdir] = parseArgs({ allowPositionals: true }).positionals;
if (outdir === undefined) throw new Error("usage: node scripts/bundle-agent.ts FOLDER");
const { warnings } = await build({
  entryPoints: {
    "ros-agent": "packages/cli/src/bundle-main.ts",
    "print-hardware": "packages/agent/src/hardware/io/print-hardware.ts",
    "record-output": "packages/agent/src/containers/io/record-output.ts",
  },
  outdir,
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  target: "node26",
  // CommonJS, as ES modules and their view of Node's own modules cost 10 ms more. A command that is imported late is run
  // late all the same, from the same file.
  format: "cjs",
  define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
  plugins: [oclifOnDemand],
});
process.exitCode = warnings.length === 0 ? 0 : 1;
