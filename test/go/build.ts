/** The two programs of this Go module: a machine as rancherd is one, and what machines see of the original operator. */
import path from "node:path";
import { buildGoModule } from "./build-module.ts";

export { BUILD_TIMEOUT_MS } from "./build-module.ts";

export interface LegacyPrograms {
  /** A machine as rancherd is one. */
  readonly clientPath: string;
  /** What machines see of the original operator. */
  readonly serverPath: string;
}

/** @throws Error with what Go said, where Go is missing or the build fails */
export async function buildLegacyPrograms(): Promise<LegacyPrograms> {
  const folder = await buildGoModule({
    folder: import.meta.dirname,
    prefix: "interop-",
    packages: ["./cmd/..."],
    what: "the legacy programs",
  });
  return { clientPath: path.join(folder, "legacy-client"), serverPath: path.join(folder, "legacy-server") };
}
