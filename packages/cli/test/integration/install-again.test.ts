/** What the live system's service does on a machine that is installed already, in this start or in an earlier one. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import type { TestDisk } from "../../../../test/disks/index.ts";
import { runInstall } from "../../src/install-run.ts";
import { openInstallGround, startsSomething } from "./install-ground.ts";
import { errorOf, rosAgent, type Outcome } from "./ros-agent.ts";

const ground = openInstallGround();
const { home, newDisk, args, install, tree } = ground;

afterEach(() => ground.restart());
afterAll(() => ground.remove());

/** A configuration for the service. */
function settings(install: object): string {
  const file = join(home, "settings.yaml");
  writeFileSync(file, JSON.stringify({ rancheros: { install: { automatic: true, ...install } } }));
  return file;
}

function service(target: TestDisk, source: string, more: object = {}, ...flags: readonly string[]): Promise<Outcome> {
  return rosAgent(args(target, "--automatic", "--json", "--source", source, "--config", settings(more), ...flags));
}

async function installed(name: string): Promise<{ readonly target: TestDisk; readonly source: string }> {
  const target = newDisk();
  const source = tree(name);
  const outcome = await install(target, "--source", source);
  expect(outcome.code, outcome.stderr).toBe(0);
  return { target, source };
}

function changeRecord(target: TestDisk, change: object): void {
  target.change("ROS_OEM", (oem) => {
    const file = join(oem, "grub/installation.json");
    const record = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...record, ...change }));
  });
}

function forgetMark(): void {
  rmSync(join(home, "disk/work.installed"));
}

/** The power was off meanwhile. */
function startAgain(target: TestDisk): void {
  forgetMark();
  changeRecord(target, { bootId: "00000000-0000-4000-8000-000000000000" });
}

describe("a machine that was installed before it was started", () => {
  it("is left as it is, with the reason and what to do, and installed anew where the settings say so", async () => {
    const { target, source } = await installed("before");
    startAgain(target);
    const before = target.partitions();
    const refused = await service(target, source);
    expect(refused.code, refused.stderr).toBe(5);
    expect(errorOf(refused)).toMatchObject({
      code: "INSTALL_DISK_INSTALLED",
      message: `${target.device} holds a whole installation (${source}), and nothing says that it may be erased`,
      mend: expect.stringContaining("rancheros.install.reinstall: true") as unknown,
      details: { device: target.device },
    });
    expect(refused.stderr).not.toContain("will be erased");
    expect(target.partitions()).toEqual(before);
    const dry = await service(target, source, {}, "--dry-run");
    expect(dry.code, dry.stderr).toBe(0);
    expect(JSON.parse(dry.stdout)).toMatchObject({
      outcome: "planned",
      warnings: [{ code: "INSTALL_DISK_INSTALLED" }],
    });
    expect(dry.stderr).toContain(`${target.device} will be erased. On it: an installed system (${source}).`);
    const anew = await service(target, source, { reinstall: true });
    expect(anew.code, anew.stderr).toBe(0);
    expect(JSON.parse(anew.stdout)).toMatchObject({ outcome: "installed" });
    expect(target.partitions().map(({ uuid }) => uuid)).not.toEqual(before.map(({ uuid }) => uuid));
    // Once in a start, whatever the settings say.
    const again = await service(target, source, { reinstall: true });
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: "installed-before" });
  });

  it("is installed anew once under a name, and not again where that name is left standing", async () => {
    const { target, source } = await installed("named");
    startAgain(target);
    const anew = await service(target, source, { reinstall: "2026-11" });
    expect(anew.code, anew.stderr).toBe(0);
    startAgain(target);
    const before = target.partitions();
    expect(errorOf(await service(target, source, { reinstall: "2026-11" }))).toMatchObject({
      code: "INSTALL_DISK_INSTALLED",
      message: expect.stringContaining("2026-11, already") as unknown,
    });
    expect(target.partitions()).toEqual(before);
  });

  it("is left as it is also where an agent installed it that left no record, and erased by who asks for it", async () => {
    const { target, source } = await installed("unrecorded");
    forgetMark();
    target.change("ROS_OEM", (oem) => rmSync(join(oem, "grub/installation.json")));
    const before = target.partitions();
    expect(errorOf(await service(target, source))["code"]).toBe("INSTALL_DISK_INSTALLED");
    expect(target.partitions()).toEqual(before);
    const byHand = await install(target, "--source", source);
    expect(byHand.code, byHand.stderr).toBe(0);
    expect(target.partitions()).not.toEqual(before);
  });

  it("asks no registry while it waits for somebody to say that it may be erased, again and again", async () => {
    const { target } = await installed("waiting");
    startAgain(target);
    let connections = 0;
    const registry = createServer((_request, response) => response.writeHead(404).end());
    registry.on("connection", () => connections++);
    await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
    const image = `127.0.0.1:${(registry.address() as AddressInfo).port}/os/system:v1`;
    const wait = (more: object, ...flags: readonly string[]): Promise<Outcome> =>
      rosAgent(args(target, "--automatic", "--json", "--os-image", image, "--config", settings(more), ...flags));
    try {
      expect(errorOf(await wait({}))["code"]).toBe("INSTALL_DISK_INSTALLED");
      expect(connections).toBe(0);
      // Somebody does, and so does who asks for a plan only.
      expect(errorOf(await wait({ reinstall: true }))["code"]).toBe("IMAGE_NOT_FOUND");
      expect(errorOf(await wait({}, "--dry-run"))["code"]).toBe("IMAGE_NOT_FOUND");
      expect(connections).toBeGreaterThan(0);
    } finally {
      await new Promise((resolve) => registry.close(resolve));
    }
  });

  it("is left as it is where its disk is damaged, which may be why the live system has started", async () => {
    const { target, source } = await installed("damaged");
    startAgain(target);
    target.change("ROS_SLOT_A", (root) => rmSync(join(root, ".rancheros-slot.json")));
    const before = target.partitions();
    expect(errorOf(await service(target, source))).toMatchObject({
      code: "INSTALL_DISK_INSTALLED",
      message: `${target.device} may hold an installation: no slot of it says what it holds`,
    });
    expect(target.partitions()).toEqual(before);
    const anew = await service(target, source, { reinstall: true });
    expect(anew.code, anew.stderr).toBe(0);
    expect(JSON.parse(anew.stdout)).toMatchObject({ outcome: "installed" });
  });
});

describe("a machine whose installer was killed", () => {
  it.each(["making file systems", "configuration"])("is installed from the beginning after %s", async (word) => {
    const target = newDisk();
    const source = tree(`killed at ${word}`);
    await killAt(word, target, source);
    expect(startsSomething(target)).toBe(false);
    const next = await service(target, source);
    expect(next.code, next.stderr).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ outcome: "installed" });
    expect(startsSomething(target)).toBe(true);
  });

  it("is installed from the beginning also where an installation was on the disk before", async () => {
    const { target, source } = await installed("killed later");
    await killAt("making file systems", target, source);
    const next = await service(target, source);
    expect(next.code, next.stderr).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ outcome: "installed" });
  });

  it("is installed from the beginning or done, whenever that was within the last step", async () => {
    const target = newDisk();
    const source = tree("killed at the end");
    await killAt("installing the boot loader", target, source);
    const next = await service(target, source);
    expect(next.code, next.stderr).toBe(0);
    expect(["installed", "installed-before"]).toContain((JSON.parse(next.stdout) as { outcome: string }).outcome);
    expect(startsSomething(target)).toBe(true);
    forgetMarkIfThere();
    expect(JSON.parse((await service(target, source)).stdout)).toMatchObject({ outcome: "installed-before" });
  });

  it("is done after the last write of all, and does what was to follow", async () => {
    const { target, source } = await installed("done");
    forgetMark();
    const before = target.partitions();
    const next = await service(target, source);
    expect(next.code, next.stderr).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({ outcome: "installed-before", restart: null });
    changeRecord(target, { after: "poweroff" });
    expect(await restartOf(target)).toBe("poweroff");
    expect(await restartOf(target, true)).toBeUndefined();
    expect(target.partitions()).toEqual(before);
  });

  async function killAt(word: string, target: TestDisk, source: string): Promise<void> {
    const ended = await ground.killAt(word, target, source);
    expect(ended.stderr).toContain(word);
    forgetMarkIfThere();
  }

  function forgetMarkIfThere(): void {
    rmSync(join(home, "disk/work.installed"), { force: true });
  }

  /** What the machine is to do, as the command is told: nothing here asks for it. */
  async function restartOf(target: TestDisk, noRestart = false): Promise<string | undefined> {
    const none = { config: undefined, source: undefined, registries: undefined, tcti: undefined };
    const more = { "registration-url": undefined, "os-image": undefined, "slot-size": undefined, "allow-http": false };
    const how = { yes: false, ask: false, automatic: true, "dry-run": false, "power-off": false };
    const work = { device: target.device, "work-folder": join(home, "disk/work"), "no-restart": noRestart };
    const surroundings = { environment: {}, signal: new AbortController().signal };
    const run = { flags: { ...none, ...more, ...how, ...work }, surroundings, remark: () => undefined };
    const { outcome, restart } = await runInstall(run);
    expect(outcome).toBe("installed-before");
    return restart;
  }
});
