/** What this program is, as `version --json` tells it. */
import { buildCommit } from "./build-commit.ts";
import { VERSION } from "./program.ts";

export interface OwnVersions {
  readonly version: string;
  /** As buildCommit gives it; undefined where nobody knows. */
  readonly commit: string | undefined;
  readonly node: string;
  /** For example linux-x64. */
  readonly platform: string;
}

export const PLATFORM = `${process.platform}-${process.arch}`;

export async function ownVersions(): Promise<OwnVersions> {
  return { version: VERSION, commit: await buildCommit(), node: process.versions.node, platform: PLATFORM };
}
