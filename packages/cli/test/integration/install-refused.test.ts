/** What `ros-agent install` does not install, or not to its end, and what it says then. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import { makeDisk } from "../../../../test/disks/index.ts";
import { agentProgram } from "../../../../test/machine/agent-program.ts";
import { DISK_BYTES, GIB, openInstallGround, startsSomething } from "./install-ground.ts";
import { errorOf, rosAgent, startProgram, startRosAgent } from "./ros-agent.ts";

const ground = openInstallGround();
const { home, newDisk, args, install, tree, refusal } = ground;

afterEach(() => ground.restart());
afterAll(() => ground.remove());

describe("what cannot be installed", () => {
  it("is refused a disk of a Ceph cluster, which nobody has mounted", async () => {
    const target = newDisk();
    const label = "bluestore block device\n";
    writeFileSync(target.device, label);
    execFileSync("sync", [target.device]);
    expect(await refusal(target, "--source", tree("of a cluster"))).toBe("INSTALL_DISK_IN_USE");
    expect(target.firstBytes(label.length).toString()).toBe(label);
  });

  it("is refused before anything is written, by a code that says why", async () => {
    const source = tree("refused");
    const small = newDisk(GIB);
    expect(await refusal(small, "--source", source)).toBe("INSTALL_DISK_TOO_SMALL");
    expect(await refusal(small, "--source", source, "--slot-size", "huge")).toBe("INSTALL_SETTINGS_INVALID");
    expect(await refusal(small, "--source", join(home, "nowhere"))).toBe("INSTALL_NO_SOURCE");
    expect(await refusal(small, "--source", "/etc/hostname")).toBe("INSTALL_NO_SOURCE");
    expect(await refusal(small, "--source", join(home, "n".repeat(300)))).toBe("INSTALL_NO_SOURCE");
    expect(small.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
    const asked = await rosAgent(args(small, "--json", "--source", source, "--slot-size", "150MiB"));
    expect(errorOf(asked)["code"]).toBe("INSTALL_DISK_TOO_SMALL");
    small.remove();
    const protectedDisk = newDisk(DISK_BYTES, { isReadOnly: true });
    expect(await refusal(protectedDisk, "--source", source)).toBe("INSTALL_DISK_READ_ONLY");
    protectedDisk.remove();
    const unasked = newDisk();
    expect(errorOf(await rosAgent(args(unasked, "--json", "--source", source)))["code"]).toBe("INSTALL_NOT_ASKED");
  });

  it("is told of a configuration that is no YAML, without the secrets in its address", async () => {
    const server = createServer((_request, answer) => answer.end("a: [")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const config = join(home, "far.yaml");
    writeFileSync(
      config,
      `rancheros: {install: {configUrl: "http://127.0.0.1:${port}/path-secret?token=query-secret"}}`,
    );
    const asking = startRosAgent(["install", "--dry-run", "--json", "--config", config]);
    asking.child.stderr?.on("data", (remark: Buffer) => {
      if (/trying again/.test(remark.toString())) asking.child.kill("SIGTERM");
    });
    const outcome = await asking.outcome;
    server.close();
    expect(outcome.stderr).toContain(`the file http://127.0.0.1:${port} is not YAML; trying again`);
    expect(outcome.stdout + outcome.stderr).not.toMatch(/secret/);
  });

  it.each([
    ["a page to log in at", "<html><body>Log in to go on</body></html>", "it is a web page"],
    ["nothing", "", "it is empty"],
    ["a text", "not found", "is no cloud-config: that is a map"],
    ["a list", "- a\n- b\n", "is no cloud-config: that is a map"],
  ])("erases nothing where its configuration's server answers %s, and asks again", async (what, page, message) => {
    const asked: unknown[] = [];
    const server = createServer((request, answer) => {
      asked.push(request.url);
      answer.end(page);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const config = join(home, "page.yaml");
    const port = typeof address === "object" ? address?.port : undefined;
    writeFileSync(config, `rancheros: {install: {automatic: true, configUrl: "http://127.0.0.1:${port}/"}}`);
    const target = newDisk();
    const install = startRosAgent(args(target, "--json", "--source", tree(what), "--config", config));
    // It may be another page soon.
    while (asked.length < 2 && install.child.exitCode === null) await sleep(20);
    server.closeAllConnections();
    install.child.kill("SIGTERM");
    const outcome = await install.outcome;
    server.close();
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(outcome.stdout + outcome.stderr).toContain(message);
    expect(outcome.code).not.toBe(0);
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ["a configuration", `configUrl: "http://127.0.0.1:2/"`],
    ["a registration", `registrationUrl: "https://127.0.0.1:1/v1-rancheros/registration/tokentokentoken"`],
  ])("may be broken off while it waits for %s, which is no defect", async (what, setting) => {
    const target = newDisk();
    const config = join(home, "waiting.yaml");
    writeFileSync(config, `rancheros: {install: {automatic: true, ${setting}}}`);
    const waiting = startRosAgent(
      args(target, "--json", "--source", tree(`waiting for ${what}`), "--config", config, "--tcti", "device:/dev/none"),
    );
    waiting.child.stderr?.on("data", (remark: Buffer) => {
      if (/trying again|Registering again/.test(remark.toString())) waiting.child.kill("SIGTERM");
    });
    const outcome = await waiting.outcome;
    expect(outcome.code).toBe(130);
    expect(errorOf(outcome)["code"]).toBe("INSTALL_INTERRUPTED");
    expect(outcome.stderr).toMatch(
      /cannot be fetched: connect ECONNREFUSED 127\.0\.0\.1:\d+; trying again|TPM_DEVICE_MISSING/,
    );
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ["{install: {automatic: true, deviceSelecter: {type: nvme}}}", "Did you mean deviceSelector?"],
    ["{install: {automatic: true, devcie: /dev/none}}", "Did you mean device?"],
    [
      "{install: {automatic: true}, instal: {device: /dev/none}}",
      "rancheros.instal is not known here. Did you mean install?",
    ],
  ])("takes no disk of its own choice where one was nearly named: %s", async (rancheros, message) => {
    const config = join(home, "nearly.yaml");
    writeFileSync(config, `rancheros: ${rancheros}\n`);
    const target = newDisk();
    const outcome = await rosAgent([
      ...args(target, "--json", "--source", tree(`nearly ${message}`), "--config", config),
    ]);
    expect(errorOf(outcome)).toMatchObject({
      code: "INSTALL_SETTINGS_INVALID",
      message: expect.stringContaining(message) as unknown,
    });
    expect(outcome.code).toBe(2);
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });

  it("says of what it does not know beside its settings that it does not", async () => {
    const config = join(home, "beside.yaml");
    writeFileSync(config, "rancheros: {install: {device: /dev/none}, data: {}}\n");
    const outcome = await rosAgent(["install", "--dry-run", "--json", "--source", tree("beside"), "--config", config]);
    expect(outcome.stderr).toContain("warning: rancheros.data is not known here");
  });

  it("is told of files that the command line names and that are not there", async () => {
    const missing = join(home, "missing.yaml");
    const config = await rosAgent(["install", "--dry-run", "--json", "--config", missing]);
    expect(errorOf(config)).toMatchObject({ code: "CLI_FILE_UNREADABLE", details: { path: missing } });
    expect(config.code).toBe(8);
    const image = ["--os-image", "127.0.0.1:1/os:v1", "--registries", missing];
    const registries = await rosAgent(["install", "--dry-run", "--json", ...image]);
    expect(errorOf(registries)).toMatchObject({ code: "CLI_FILE_UNREADABLE", details: { path: missing } });
    expect(registries.code).toBe(8);
  });

  it("is told of a configuration that names itself, and of a folder that cannot be one", async () => {
    const config = join(home, "itself.yaml");
    writeFileSync(config, "rancheros: &a {install: *a}\n");
    const circular = await rosAgent(["install", "--dry-run", "--json", "--config", config]);
    expect(errorOf(circular)).toMatchObject({ code: "CLI_USAGE", message: `the file ${config} is not YAML` });
    const folder = join(config, "work");
    const lost = await rosAgent(["install", "--automatic", "--json", "--work-folder", folder]);
    expect(errorOf(lost)).toMatchObject({
      code: "FILES_UNREADABLE",
      message: `${folder}.installed cannot be read: a part of the path is no folder`,
    });
  });

  it("erases nothing where the configuration on its medium cannot be read", async () => {
    const target = newDisk();
    const script = `mount -t tmpfs none /run && mkdir -p /run/live/medium/config && exec "$@"`;
    const command = [process.execPath, agentProgram(), ...args(target, "--json", "--source", tree("medium"), "--yes")];
    const outcome = await startProgram(["unshare", "--mount", "sh", "-c", script, "sh", ...command]).outcome;
    expect(errorOf(outcome)).toMatchObject({
      code: "INSTALL_CONFIG_UNREADABLE",
      message: expect.stringContaining("/run/live/medium/config cannot be read: EISDIR") as string,
    });
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });

  it("names everything that a tree lacks, and another processor's programs", async () => {
    const target = newDisk();
    const bare = tree("bare");
    rmSync(join(bare, "boot/vmlinuz-1"));
    rmSync(join(bare, "boot/initrd.img"));
    const outcome = await install(target, "--source", bare);
    expect(errorOf(outcome)).toMatchObject({
      code: "SLOT_IMAGE_INCOMPLETE",
      message: "the image does not bring a kernel (/boot/vmlinuz), an initrd (/boot/initrd.img)",
    });
    const foreign = tree("foreign");
    const program = readFileSync(join(foreign, "usr/sbin/init"));
    program.writeUInt16LE(0xf3, 18);
    writeFileSync(join(foreign, "usr/sbin/init"), program);
    expect(await refusal(target, "--source", foreign)).toBe("SLOT_IMAGE_FOREIGN");
    expect(startsSomething(target)).toBe(false);
  });

  it("is told where the live system's squashfs is damaged", async () => {
    const target = newDisk();
    const squashfs = join(home, "live.squashfs");
    const source = tree("squashed");
    writeFileSync(join(source, "big"), Buffer.alloc(4 * 1024 ** 2, "abc"));
    execFileSync("mksquashfs", [source, squashfs, "-quiet", "-no-progress", "-noD", "-noF"], { stdio: "ignore" });
    const mounted = join(home, "disk/live");
    mkdirSync(mounted);
    execFileSync("mount", ["-o", "loop,ro", squashfs, mounted]);
    try {
      truncateSync(squashfs, 4096);
      execFileSync("sh", ["-c", "echo 3 > /proc/sys/vm/drop_caches"]);
      expect(await refusal(target, "--source", mounted)).toBe("SLOT_SOURCE_CORRUPT");
    } finally {
      execFileSync("umount", [mounted]);
    }
    expect(startsSomething(target)).toBe(false);
  });

  it("is told where the disk takes no more in the midst of it", async () => {
    // The disk says 2 GiB and its controller can store 40 MiB of them.
    const folder = join(home, "controller");
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=40m", "tmpfs", folder]);
    try {
      const target = makeDisk(folder, DISK_BYTES);
      const source = tree("large");
      writeFileSync(join(source, "large"), Buffer.alloc(60 * 1024 ** 2, "0123456789"));
      try {
        const code = await refusal(target, "--source", source);
        expect(["SLOT_WRITE_FAILED", "SLOT_TOOL_FAILED", "INSTALL_DISK_FAILED", "SLOT_READ_BACK_DIFFERS"]).toContain(
          code,
        );
        expect(startsSomething(target)).toBe(false);
      } finally {
        target.remove();
      }
    } finally {
      execFileSync("umount", ["-l", folder]);
    }
  });
});
