/** Beside this file, in the sources and in the bundle. A single binary gives a command of its own. */
import path from "node:path";

export function recorderCommand(): readonly [program: string, argument: string] {
  const program = `record-output${path.extname(import.meta.filename)}`;
  return [process.execPath, path.join(import.meta.dirname, program)];
}
