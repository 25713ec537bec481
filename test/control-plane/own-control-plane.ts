/** A control plane that one test file has for itself, as it changes the CRDs that others rely on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { adminClient } from "./admin-client.ts";
import type { ApiClient } from "./api-client.ts";
import { applyCrds } from "./apply-crds.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";

/**
 * Starts it with our CRDs before the tests of the file, and stops it after them.
 * @param name  what its folder begins with
 * @returns what asks for it, once a test runs
 */
export function useOwnControlPlane(name: string): () => { readonly target: ControlPlane; readonly client: ApiClient } {
  const folder = mkdtempSync(path.join(tmpdir(), `${name}-`));
  let made: { readonly target: ControlPlane; readonly client: ApiClient } | undefined;
  beforeAll(async () => {
    const target = await startControlPlane({ folder });
    await applyCrds(target);
    made = { target, client: await adminClient(target) };
  });
  afterAll(async () => {
    await made?.target.stop();
    rmSync(folder, { recursive: true });
  });
  return () => {
    if (made === undefined) throw new Error("the control plane runs while a test does");
    return made;
  };
}
