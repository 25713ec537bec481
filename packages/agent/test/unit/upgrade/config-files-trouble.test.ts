/** The files that an upgrade's cloud config names, on a real disk on which something is in the way of keeping them or of putting them back. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { FilesError } from "../../../src/files/index.ts";
import { CLOUD_CONFIG_BEFORE_PATH, CLOUD_CONFIG_PATH } from "../../../src/upgrade/container-run.ts";
import { systemSlotsOutside } from "../../../src/upgrade/io/system-slots-outside.ts";
import { parseKeptFiles } from "../../../src/upgrade/kept-files.ts";
import type { ConfigFilesPort } from "../../../src/upgrade/ports.ts";
import { forgetCloudConfigBefore, takeCloudConfigBack } from "../../../src/upgrade/steps/cloud-config.ts";
import { keepConfigFiles, putConfigFilesBack } from "../../../src/upgrade/steps/config-files.ts";
import { orderOf } from "./machine-world.ts";

const OLD_CONFIG = "#cloud-config\nhostname: m1\n";
const configOf = (...entries: readonly string[]): string =>
  ["#cloud-config", "write_files:", ...entries.map((entry) => `  - {${entry}}`), ""].join("\n");
const CONFIG = configOf('path: /etc/one, content: "new"', 'path: /etc/other, content: "new"');

let root: string;
let record: string;
let port: ConfigFilesPort;
let said: string[];
const log = (message: string): void => void said.push(message);
const at = (path: string): string => join(root, path);
const text = (path: string): string => readFileSync(at(path), "utf8");

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "config-files-"));
  record = at("state/cloud-config-files.json");
  said = [];
  for (const folder of ["etc", "oem", "state"]) mkdirSync(at(folder));
  for (const name of ["one", "other"]) writeFileSync(at(`etc/${name}`), `old ${name}\n`, { mode: 0o600 });
  writeFileSync(at(CLOUD_CONFIG_PATH), CONFIG);
  writeFileSync(at(CLOUD_CONFIG_BEFORE_PATH), OLD_CONFIG);
  port = systemSlotsOutside({ hostRoot: root, stateFolder: at("state") }).configFiles;
});
afterEach(() => rmSync(root, { recursive: true }));

/** As the new operating system has applied it. */
function apply(): void {
  for (const name of ["one", "other"]) writeFileSync(at(`etc/${name}`), "new");
}

function work(configFiles: ConfigFilesPort) {
  const { writeCloudConfig } = systemSlotsOutside({ hostRoot: root, stateFolder: at("state") });
  const readFile = (path: string): Promise<Buffer | undefined> =>
    Promise.resolve(existsSync(at(path)) ? readFileSync(at(path)) : undefined);
  return { ports: { host: { readFile }, slots: { writeCloudConfig, configFiles } }, log };
}

const takeBack = (configFiles: ConfigFilesPort): Promise<void> =>
  takeCloudConfigBack(work(configFiles), orderOf({ cloudConfig: CONFIG }));

it("are kept on where one cannot be put back, at a place that the log names", async () => {
  await keepConfigFiles(port, CONFIG, log);
  const kept = parseKeptFiles(readFileSync(record, "utf8"));
  apply();
  const replace: ConfigFilesPort["replace"] = (file) => {
    if (file.path === "/etc/other") throw new FilesError("FILES_UNSAVED", "the disk is full");
    return port.replace(file);
  };
  await takeBack({ ...port, replace });
  expect(text(CLOUD_CONFIG_PATH)).toBe(OLD_CONFIG);
  expect([text("etc/one"), text("etc/other")]).toEqual(["old one\n", "new"]);
  const left = `${record}.left`;
  expect(parseKeptFiles(readFileSync(left, "utf8"))).toEqual(kept);
  expect(statSync(left).mode & 0o777).toBe(0o600);
  expect(existsSync(record)).toBe(false);
  expect(said.join("\n")).toContain("/etc/other");
  expect(said.join("\n")).toContain(left);
  // The next upgrade has its own.
  await forgetCloudConfigBefore(work(port));
  expect(existsSync(left)).toBe(true);
});

it("keep nobody from the cloud config from before where their record cannot be read", async () => {
  mkdirSync(record);
  apply();
  await takeBack(port);
  expect(text(CLOUD_CONFIG_PATH)).toBe(OLD_CONFIG);
  expect(existsSync(at(CLOUD_CONFIG_BEFORE_PATH))).toBe(false);
  expect(existsSync(`${record}.left`)).toBe(true);
});

it("keep no later upgrade from its switch where the record of an earlier one cannot be read", async () => {
  mkdirSync(record);
  await expect(forgetCloudConfigBefore(work(port))).resolves.toBeUndefined();
  expect(existsSync(at(CLOUD_CONFIG_BEFORE_PATH))).toBe(false);
  expect(said.join("\n")).toContain("cannot be removed");
});

it("are not kept where their record cannot be written, and the upgrade goes on", async () => {
  mkdirSync(record);
  await expect(keepConfigFiles(port, CONFIG, log)).resolves.toBeUndefined();
  expect(said).toHaveLength(1);
});

it("have their permissions again where nothing but those has changed", async () => {
  const config = configOf('path: /etc/one, permissions: "0644", content: "old one\\n"');
  await keepConfigFiles(port, config, log);
  chmodSync(at("etc/one"), 0o644);
  await putConfigFilesBack(port, config, log);
  expect(statSync(at("etc/one")).mode & 0o777).toBe(0o600);
  const { ino } = statSync(at("etc/one"));
  await putConfigFilesBack(port, config, log);
  // Nothing to do is nothing done.
  expect(statSync(at("etc/one")).ino).toBe(ino);
});

it.each([
  ["one of them is to be appended to", ['path: /etc/one, content: "new"', 'path: /etc/x, append: true, content: "x"']],
  ["one is there twice", ['path: /etc/one, content: "x"', 'path: /etc/one, content: "new"']],
])("are kept of a config with an error, which other tools apply all the same: %s", async (_what, entries) => {
  const config = configOf(...entries);
  await keepConfigFiles(port, config, log);
  expect(said.join("\n")).toMatch(/line \d+/);
  writeFileSync(at("etc/one"), "new");
  await putConfigFilesBack(port, config, log);
  expect(text("etc/one")).toBe("old one\n");
});
