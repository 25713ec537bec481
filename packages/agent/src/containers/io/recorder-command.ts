/** The process that records a container's output: record-output.ts beside this file, or this program itself. */
import path from "node:path";

import { ownProcess } from "../../programs/index.ts";

export function recorderCommand(): readonly [program: string, argument: string] {
  return ownProcess("record-output", import.meta.dirname, path.extname(import.meta.filename));
}
