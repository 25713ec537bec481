/** The file in which an upgrade keeps the cloud config from before, on a real disk. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { readGiven } from "../../../src/cloud-config/io/given-files.ts";
import { readSecretFiles } from "../../../src/doctor/io/secret-files.ts";
import { CLOUD_CONFIG_BEFORE_PATH, CLOUD_CONFIG_PATH } from "../../../src/upgrade/container-run.ts";
import { systemSlotsOutside } from "../../../src/upgrade/io/system-slots-outside.ts";
import { forgetConfigFiles, keepConfigFiles, putConfigFilesBack } from "../../../src/upgrade/steps/config-files.ts";

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

it("comes with the files that the new one names, as they were, on a real disk", async () => {
  const stateFolder = join(root, "state");
  const { configFiles: port } = systemSlotsOutside({ hostRoot: root, stateFolder });
  const at = (path: string): string => join(root, path);
  mkdirSync(at("etc"));
  mkdirSync(stateFolder, { recursive: true });
  writeFileSync(at("etc/changed"), "old\n", { mode: 0o600 });
  symlinkSync("changed", at("etc/link"));
  const files = ["changed", "new", "link", "by-hand"].map((name) => `  - {path: /etc/${name}, content: "new"}`);
  const config = ["#cloud-config", "write_files:", ...files].join("\n");
  const said: string[] = [];
  const log = (message: string): void => void said.push(message);
  await keepConfigFiles(port, config, log);
  expect(statSync(join(stateFolder, "cloud-config-files.json")).mode & 0o777).toBe(0o600);

  for (const name of ["changed", "new"]) writeFileSync(at(`etc/${name}`), "new");
  chmodSync(at("etc/changed"), 0o644);
  writeFileSync(at("etc/by-hand"), "mine");
  await putConfigFilesBack(port, config, log);
  await putConfigFilesBack(port, config, log);
  expect(readFileSync(at("etc/changed"), "utf8")).toBe("old\n");
  expect(statSync(at("etc/changed")).mode & 0o777).toBe(0o600);
  expect(existsSync(at("etc/new"))).toBe(false);
  expect(readlinkSync(at("etc/link"))).toBe("changed");
  expect(readFileSync(at("etc/by-hand"), "utf8")).toBe("mine");
  await forgetConfigFiles(port);
  expect(existsSync(join(stateFolder, "cloud-config-files.json"))).toBe(false);
  expect(said).toEqual([]);
});
