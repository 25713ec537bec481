/** Where the bundle of scripts/build-agent begins. */
import { loadProgramScript, runProgramScript } from "./program-script.ts";

runProgramScript(loadProgramScript(import.meta.dirname), import.meta.dirname);
