/** `ros-agent config apply --at-start` on a machine that is a folder, back from a trial: with a journal and a boot loader's block as they lie on a disk. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freshSlotWords, writeGrubEnvironment } from "@rancheros/agent/slots";
import { EMPTY_JOURNAL, orderByHand, type Journal } from "@rancheros/agent/upgrade";
import { afterEach, beforeEach, expect, it } from "vitest";

import { rosAgent } from "./ros-agent.ts";

const OLD = "#cloud-config\nhostname: of-before\n";
const NEW = `#cloud-config
hostname: of-the-upgrade
write_files:
  - {path: /etc/changed, content: new}
  - {path: /etc/only-new, content: new}
`;
/** What the upgrade has kept of those. */
const KEPT = {
  version: 1,
  files: [
    { path: "/etc/changed", before: { content: Buffer.from("old").toString("base64"), mode: 0o600, uid: 0, gid: 0 } },
    { path: "/etc/only-new" },
  ],
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "config-at-start-"));
  write("proc/cmdline", "root=PARTUUID=x rancheros.slot=a");
  write("oem/90_operator.yaml", NEW);
  write("oem/90_operator.yaml.before", OLD);
  write("var/lib/rancheros/cloud-config-files.json", JSON.stringify(KEPT));
  // As the trial has left them.
  for (const name of ["changed", "only-new"]) write(`etc/${name}`, "new");
  writeWords(undefined);
  writeJournal();
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Uint8Array): void {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");

function writeWords(tried: "b" | undefined): void {
  const words = { good: "a", try: tried, reset: false, extra: "", unproven: "b" } as const;
  write("oem/grub/grubenv", writeGrubEnvironment(freshSlotWords(words)));
}

/** Of an upgrade that has restarted the machine to try slot b. */
function writeJournal(bootId = "an-earlier-boot"): void {
  const osImage = `r.test/os@sha256:${"a".repeat(64)}`;
  const order = orderByHand({
    osImage,
    reference: osImage,
    version: "v2",
    cordon: false,
    drain: undefined,
    timeoutSeconds: 60,
    force: false,
    allowDowngrade: false,
    credentials: [],
  });
  const journal: Journal = {
    ...EMPTY_JOURNAL,
    run: {
      order: { ...order, keepsCloudConfig: false, plan: { ...order.plan, cloudConfig: NEW } },
      phase: "Rebooting",
      sinceMs: 0,
      startedMs: 0,
      message: undefined,
      lastError: undefined,
      spentMs: 0,
      mark: { bootId, uptimeMs: 0 },
      trail: [],
      container: undefined,
      runtime: undefined,
      releases: undefined,
      target: "b",
      switched: { bootId, rebootRequests: 1, runs: 1, boots: 0, startedFrom: "a", runsOld: true, isConfirmed: false },
      ending: undefined,
    },
  };
  write("var/lib/rancheros/upgrade.json", JSON.stringify(journal));
}

const apply = (...flags: readonly string[]) =>
  rosAgent(["config", "apply", join(root, "oem"), "--root", root, "--run-folder", join(root, "run"), ...flags]);

it("applies the cloud config from before the upgrade, with the files that the other one named as they were, and what follows finds nothing left to do", async () => {
  const journal = read("var/lib/rancheros/upgrade.json");
  for (const round of [1, 2]) {
    expect(await apply("--at-start"), String(round)).toMatchObject({ code: 0 });
    expect(read("etc/hostname")).toBe("of-before\n");
    expect(read("oem/90_operator.yaml")).toBe(OLD);
    expect(existsSync(join(root, "oem/90_operator.yaml.before"))).toBe(false);
    expect(read("etc/changed")).toBe("old");
    expect(statSync(join(root, "etc/changed")).mode & 0o777).toBe(0o600);
    expect(existsSync(join(root, "etc/only-new"))).toBe(false);
    expect(existsSync(join(root, "var/lib/rancheros/cloud-config-files.json"))).toBe(false);
  }
  expect(read("var/lib/rancheros/upgrade.json")).toBe(journal);
});

it.each<[string, () => void, readonly string[]]>([
  ["nobody has said that this is the start", () => undefined, []],
  ["the slot that is tried runs", () => write("proc/cmdline", "rancheros.slot=b rancheros.trial=1"), ["--at-start"]],
  ["the boot loader would try it once more", () => writeWords("b"), ["--at-start"]],
  [
    "the upgrade has gone on since this start",
    () => writeJournal(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    ["--at-start"],
  ],
  [
    "no upgrade is under way",
    () => write("var/lib/rancheros/upgrade.json", JSON.stringify(EMPTY_JOURNAL)),
    ["--at-start"],
  ],
])("applies what is there where %s", async (_what, change, flags) => {
  change();
  const outcome = await apply(...flags);
  expect(outcome.code).toBe(0);
  expect(outcome.stderr).not.toContain("not looked at");
  expect(read("etc/hostname")).toBe("of-the-upgrade\n");
  expect(read("oem/90_operator.yaml.before")).toBe(OLD);
  for (const name of ["changed", "only-new"]) expect(read(`etc/${name}`)).toBe("new");
  expect(existsSync(join(root, "var/lib/rancheros/cloud-config-files.json"))).toBe(true);
});

it("applies what is there also where the journal is broken, and says so", async () => {
  write("var/lib/rancheros/upgrade.json", "{");
  const outcome = await apply("--at-start");
  expect(outcome.code).toBe(0);
  expect(outcome.stderr).toContain("UPGRADE_JOURNAL_BROKEN");
  expect(read("etc/hostname")).toBe("of-the-upgrade\n");
});
