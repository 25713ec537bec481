/** Bundles ros-agent into the folder that is its argument: ros-agent.cjs, and print-hardware.cjs and record-output.cjs, which it starts. */
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { BUNDLE_OPTIONS } from "./binaries/bundle-options.ts";

const [outdir] = parseArgs({ allowPositionals: true }).positionals;
if (outdir === undefined) throw new Error("usage: node scripts/bundle-agent.ts FOLDER");
const { warnings } = await build({
  ...BUNDLE_OPTIONS,
  entryPoints: {
    "ros-agent": "packages/cli/src/bundle-main.ts",
    "print-hardware": "packages/agent/src/hardware/io/print-hardware.ts",
    "record-output": "packages/agent/src/containers/io/record-output.ts",
  },
  outdir,
  outExtension: { ".js": ".cjs" },
});
process.exitCode = warnings.length === 0 ? 0 : 1;
