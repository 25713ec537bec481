/** Builds the site once, before its tests. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "../pages.ts";

const TIMEOUT_MS = 240_000;

export async function setup(): Promise<void> {
  await promisify(execFile)(path.join(REPOSITORY, "scripts/build-site"), { timeout: TIMEOUT_MS });
}
