import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { toldPolicies } from "../../../src/upgrade/node-containers.ts";

let hostRoot = "";
beforeEach(() => {
  hostRoot = mkdtempSync(path.join(tmpdir(), "policies-"));
});
afterEach(() => {
  rmSync(hostRoot, { recursive: true });
});

it("takes a policy of an image that an earlier version took, and tells what in it holds for nothing", async () => {
  const file = "/usr/lib/rancheros/image-policy.yaml";
  mkdirSync(path.join(hostRoot, path.dirname(file)), { recursive: true });
  writeFileSync(path.join(hostRoot, file), '- images: ["*", "a.example.com/**"]\n  mode: ignore\n');
  const told: string[] = [];
  const [policy] = await toldPolicies({ hostRoot, log: (message) => void told.push(message) });
  expect(policy?.rules.map(({ images }) => images)).toEqual([["*", "a.example.com/**"]]);
  expect(told).toEqual([expect.stringMatching(/^\/usr\/lib\/.*: rules\[0\]\.images\[0\]: names no repository/)]);
});
