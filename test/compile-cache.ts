/** What V8 compiled and the types that Node stripped are kept for the many processes that tests start: half of their CPU time. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** In the checkout, as packages/cli/src/main.ts has it: who may write there may write the programs themselves. */
const FOLDER = join(import.meta.dirname, "../node_modules/.cache/ros-agent");
/** Programs that lie in temporary folders come to it with every run. */
const MAX_BYTES = 300 * 1024 * 1024;

/** For this process' children. Beyond a size all of it is thrown away, unless another run writes there right now. */
export function keepCompiled(): void {
  try {
    if (bytesIn(FOLDER) > MAX_BYTES) rmSync(FOLDER, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Files came and went meanwhile: the next run looks again.
  }
  process.env["NODE_COMPILE_CACHE"] ??= FOLDER;
}

function bytesIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}
