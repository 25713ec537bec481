/** The file in which an upgrade keeps the cloud config from before, on a real disk. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { readGiven } from "../../../src/cloud-config/io/given-files.ts";
import { readSecretFiles } from "../../../src/doctor/io/secret-files.ts";
import { CLOUD_CONFIG_BEFORE_PATH, CLOUD_CONFIG_PATH } from "../../../src/upgrade/container-run.ts";
import { systemSlotsOutside } from "../../../src/upgrade/io/system-slots-outside.ts";

let root: string;
let before: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "config-before-"));
  before = join(root, CLOUD_CONFIG_BEFORE_PATH);
  mkdirSync(join(root, "oem"));
  writeFileSync(join(root, CLOUD_CONFIG_PATH), "hostname: m2\n");
});
afterAll(() => rmSync(root, { recursive: true }));

const keep = (text: string | undefined): Promise<void> =>
  systemSlotsOutside({ hostRoot: root, stateFolder: join(root, "state") }).writeCloudConfig(
    CLOUD_CONFIG_BEFORE_PATH,
    text,
  );

it("is for root only, and applied by nobody at the start", async () => {
  await keep("password: hunter2\n");
  expect(statSync(before).mode & 0o777).toBe(0o600);
  expect(readFileSync(before, "utf8")).toBe("password: hunter2\n");
  const applied = await readGiven(join(root, "oem"));
  expect(applied?.map(({ path }) => path)).toEqual([join(root, CLOUD_CONFIG_PATH)]);
});

it("is read for the secrets that must not get into a support archive", async () => {
  const { files } = await readSecretFiles(root, join(root, "state"), []);
  expect(files).toContainEqual({ path: before, kind: "tree", text: "password: hunter2\n" });
});

it("is there and empty where there was none, and can be taken away twice", async () => {
  await keep("");
  expect(readFileSync(before, "utf8")).toBe("");
  await keep(undefined);
  expect(existsSync(before)).toBe(false);
  await expect(keep(undefined)).resolves.toBeUndefined();
});
