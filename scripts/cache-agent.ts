/**
 * Has V8 compile the bundle in the folder that is its argument, and keeps that beside it: what `get-tpm-hash` needs, the
 * command that is run the most. It asks a TPM that is not there; what reads the answer is compiled when there is one.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";

import { CODE_CACHE_FILE, loadProgramScript, runProgramScript } from "../packages/cli/src/program-script.ts";

const [node = "", , folder] = process.argv;
if (folder === undefined) throw new Error("usage: node scripts/cache-agent.ts FOLDER");
const bundle = path.resolve(folder);
const script = loadProgramScript(bundle);
process.once("exit", () => {
  writeFileSync(path.join(bundle, CODE_CACHE_FILE), script.createCachedData());
  // What it says of the TPM concerns nobody.
  process.exitCode = 0;
});
process.argv = [node, bundle, "get-tpm-hash", "--tcti", "swtpm:host=127.0.0.1,port=1"];
runProgramScript(script, bundle);
