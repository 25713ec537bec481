/** `ros-agent install` on disks that are files, with real partitions, file systems and GRUB. */
import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import { openInstallGround, startsSomething } from "./install-ground.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";

const ground = openInstallGround();
const { home, newDisk, args, install, killAt, tree } = ground;

afterEach(() => ground.restart());
afterAll(() => ground.remove());

describe("an installation", () => {
  it("divides the disk, writes the slot, GRUB's words and the configuration, and starts by BIOS and UEFI", async () => {
    const target = newDisk();
    const source = tree("tree");
    execFileSync("mknod", [join(source, "null"), "c", "1", "3"]);
    execFileSync("setfattr", ["-n", "user.colour", "-v", "red", join(source, "etc/hosts")]);
    const config = join(home, "config.yaml");
    writeFileSync(
      config,
      "#cloud-config\nhostname: m1\nrancheros:\n  install:\n    tty: ttyS1\n    deviceSelector: {type: ssd}\n",
    );
    const outcome = await install(target, "--source", source, "--config", config);
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      outcome: "installed",
      device: target.device,
      registered: false,
      restart: null,
    });
    expect(target.partitions().map(({ name }) => name)).toEqual([
      "ROS_BIOS",
      "ROS_ESP",
      "ROS_OEM",
      "ROS_SLOT_A",
      "ROS_SLOT_B",
      "ROS_STATE",
    ]);
    expect(startsSomething(target)).toBe(true);
    target.look("ROS_SLOT_A", (root) => {
      expect(readlinkSync(join(root, "boot/vmlinuz"))).toBe("vmlinuz-1");
      expect(readFileSync(join(root, "usr/lib/rancheros-release"), "utf8")).toBe("IMAGE=example.com/os:v1\n");
      expect(lstatSync(join(root, "null")).isCharacterDevice()).toBe(true);
      expect(
        execFileSync("getfattr", ["--only-values", "-n", "user.colour", join(root, "etc/hosts")], { encoding: "utf8" }),
      ).toBe("red");
      expect(statSync(join(root, "usr/bin/ros-agent")).mode & 0o777).toBe(0o755);
      expect(readdirSync(root)).toEqual(expect.arrayContaining(["oem", "var", "proc", "sys", "run", "home"]));
      expect(JSON.parse(readFileSync(join(root, ".rancheros-slot.json"), "utf8"))).toMatchObject({
        version: 1,
        reference: source,
      });
    });
    target.look("ROS_OEM", (oem) => {
      const words = execFileSync("grub-editenv", [join(oem, "grub/grubenv"), "list"], { encoding: "utf8" });
      expect(words).toBe("good=a\ntry=\nreset=\nextra=console=ttyS1\nunproven=\n");
      execFileSync("grub-script-check", [join(oem, "grub/grub.cfg")]);
      expect(readFileSync(join(oem, "99_custom.yaml"), "utf8")).toBe(
        "#cloud-config\nhostname: m1\nrancheros:\n  install: {}\n",
      );
      expect(statSync(join(oem, "99_custom.yaml")).mode & 0o777).toBe(0o600);
    });
    target.look("ROS_SLOT_B", (root) => expect(readdirSync(root)).toEqual(["lost+found"]));
  });

  it("begins from the beginning after a kill at any of its steps, and starts from nothing half written", async () => {
    const target = newDisk();
    const source = tree("killed");
    const words = [
      "making the boot loader",
      "wiping the disk",
      "dividing",
      "making file systems",
      "unpacking",
      "reading back",
      "closing",
      "configuration",
      "installing the boot loader",
    ];
    for (const word of words) {
      const ended = await killAt(word, target, source);
      expect(ended.stderr, ended.stderr).toContain(word);
      expect(ended.code).toBe(null);
      // The last step may have come to its end before the kill did.
      if (word !== "installing the boot loader") expect(startsSomething(target), word).toBe(false);
    }
    const last = await install(target, "--source", source);
    expect(last.code, last.stderr).toBe(0);
    expect(startsSomething(target)).toBe(true);
    target.look("ROS_SLOT_A", (root) => expect(readdirSync(root)).toContain(".rancheros-slot.json"));
    expect(readdirSync(join(home, "disk/work"))).toEqual([]);
  }, 180_000);

  it("is one at a time: another one that begins meanwhile does nothing, and says so", async () => {
    const target = newDisk();
    const source = tree("alone");
    const { child, outcome } = startRosAgent(args(target, "--yes", "--source", source));
    const begun = Promise.withResolvers<undefined>();
    child.stderr?.on("data", (text: Buffer) => {
      if (text.toString().includes("wiping the disk")) begun.resolve(undefined);
    });
    await Promise.race([begun.promise, outcome]);
    child.kill("SIGSTOP");
    const other = await install(target, "--source", source);
    child.kill("SIGCONT");
    expect([other.code, errorOf(other)["code"]]).toEqual([9, "INSTALL_BUSY"]);
    expect((await outcome).code).toBe(0);
    expect(startsSomething(target)).toBe(true);
  });

  it("shows the plan and writes nothing with --dry-run", async () => {
    const target = newDisk();
    const outcome = await rosAgent(args(target, "--dry-run", "--json", "--source", tree("dry")));
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      outcome: "planned",
      device: target.device,
      why: "it was named",
    });
    expect(outcome.stderr).toMatch(/->\s+\/dev\/loop\d+\s+2 GiB\s+loop/);
    expect(target.firstBytes(1024 ** 2).every((byte) => byte === 0)).toBe(true);
  });

  it("does nothing for a service where the settings do not say that nobody is to be asked", async () => {
    const outcome = await rosAgent(args(newDisk(), "--automatic", "--json", "--source", tree("service")));
    expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: "not-automatic" });
  });

  it("is not done a second time by the service, whatever the settings say, where somebody left the live system running", async () => {
    const target = newDisk();
    const source = tree("again");
    const config = join(home, "automatic.yaml");
    writeFileSync(config, "#cloud-config\nrancheros: {install: {automatic: true}}\n");
    const first = await install(target, "--source", source);
    expect(first.code, first.stderr).toBe(0);
    const written = target.partitions();
    const service = await rosAgent(args(target, "--automatic", "--json", "--source", source, "--config", config));
    expect(service.code, service.stderr).toBe(0);
    expect(JSON.parse(service.stdout)).toMatchObject({ outcome: "installed-before", restart: null });
    expect(target.partitions()).toEqual(written);
  });
});
