/** When a boot check that broke down costs the machine its start. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";

const UNIT = new URL("../../../systemd/ros-agent-boot-fallback.service", import.meta.url);
const CMDLINE = "root=UUID=1 rancheros.slot=b rancheros.trial=1 quiet\n";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "boot-fallback-"));
});
afterEach(() => rm(root, { recursive: true }));

/** @returns whether the unit restarts a machine with that, as systemd.service(5) and systemd.unit(5) say */
async function restarts(cmdline: string, words: string | undefined): Promise<boolean> {
  await mkdir(join(root, "proc"));
  await mkdir(join(root, "oem/grub"), { recursive: true });
  await writeFile(join(root, "proc/cmdline"), cmdline);
  if (words !== undefined) await writeFile(join(root, "oem/grub/grubenv"), words.padEnd(1024, "#"));
  const unit = await readFile(UNIT, "utf8");
  const [, line = ""] = /^ExecStart=(.+)$/m.exec(unit) ?? [];
  const [, quoted] = /^\/bin\/sh -c '([^']+)'$/.exec(line) ?? [];
  const script = (quoted ?? line).replaceAll("$$", () => "$").replaceAll(/\/(?=proc\/|oem\/)/g, `${root}/`);
  const isSuccess = await promisify(execFile)("/bin/sh", ["-c", script]).then(
    () => true,
    () => false,
  );
  return new RegExp(`^${isSuccess ? "SuccessAction" : "FailureAction"}=reboot$`, "m").test(unit);
}

const grubenv = (...words: readonly string[]): string => `# GRUB Environment Block\n${words.join("\n")}\n`;

it("stays where the check has marked the slot good before it broke down", async () => {
  expect(await restarts(CMDLINE, grubenv("good=b", "try=", "reset=0"))).toBe(false);
});

it("stays by the last slot that the kernel was told", async () => {
  expect(await restarts(`rancheros.slot=a ${CMDLINE}`, grubenv("good=b"))).toBe(false);
});

it.each<[string, string, string | undefined]>([
  ["the other slot is the good one", CMDLINE, grubenv("good=a", "try=b")],
  ["another word ends like it", CMDLINE, grubenv("good=a", "notgood=b", "good=bb")],
  ["the boot loader's words are gone", CMDLINE, undefined],
  ["nobody says which slot it is", "rancheros.trial=1\n", grubenv("good=b")],
])("restarts where %s", async (_what, cmdline, words) => {
  expect(await restarts(cmdline, words)).toBe(true);
});
