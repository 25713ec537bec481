/** `ros-agent install` on disks that are files, with real partitions, file systems, GRUB and a real registry. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { makeDisk, systemEntries, systemTree, type TestDisk } from "../../../../test/disks/index.ts";
import {
  buildImage,
  pushImage,
  startRegistry,
  type Image,
  type TestRegistry,
} from "../../../../test/registry/index.ts";
import { errorOf, rosAgent, startRosAgent, type Outcome } from "./ros-agent.ts";

const GIB = 1024 ** 3;
const DISK_BYTES = 2 * GIB;
const SLOT = ["--slot-size", "200MiB"];

let home: string;
let disk: TestDisk | undefined;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "install-"));
});

afterEach(() => {
  disk?.remove();
  disk = undefined;
  // Each test is another start of the machine.
  rmSync(join(home, "disk/work.installed"), { force: true });
});

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

function newDisk(sizeBytes = DISK_BYTES, options = {}): TestDisk {
  disk = makeDisk(join(home, "disk"), sizeBytes, options);
  return disk;
}

const args = (target: TestDisk, ...more: readonly string[]): readonly string[] => [
  "install",
  "--device",
  target.device,
  "--no-restart",
  "--work-folder",
  join(home, "disk/work"),
  ...(more.includes("--slot-size") ? [] : SLOT),
  ...more,
];

const install = (target: TestDisk, ...more: readonly string[]): Promise<Outcome> =>
  rosAgent(args(target, "--yes", "--json", ...more));

function tree(name: string): string {
  return systemTree(join(home, name), "example.com/os:v1");
}

/** Whether a BIOS would find something to start. */
const startsSomething = (target: TestDisk): boolean => target.firstBytes(440).some((byte) => byte !== 0);

const refusal = async (target: TestDisk, ...more: readonly string[]): Promise<unknown> => {
  const outcome = await install(target, ...more);
  return outcome.stdout === "" ? outcome : errorOf(outcome)["code"];
};

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
      expect(words).toBe("good=a\ntry=\nreset=\nextra=console=ttyS1\n");
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
      const { child, outcome } = startRosAgent(args(target, "--yes", "--source", source));
      const seen = Promise.withResolvers<undefined>();
      child.stderr?.on("data", (text: Buffer) => {
        if (!text.toString().includes(word)) return;
        child.kill("SIGKILL");
        seen.resolve(undefined);
      });
      const ended = await outcome;
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

describe("what cannot be installed", () => {
  it("is refused before anything is written, by a code that says why", async () => {
    const source = tree("refused");
    const small = newDisk(GIB);
    expect(await refusal(small, "--source", source)).toBe("INSTALL_DISK_TOO_SMALL");
    expect(await refusal(small, "--source", source, "--slot-size", "huge")).toBe("INSTALL_SETTINGS_INVALID");
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
    const outcome = await rosAgent(["install", "--dry-run", "--json", "--config", config]);
    server.close();
    expect(errorOf(outcome)).toMatchObject({ message: `the file http://127.0.0.1:${port} is not YAML` });
    expect(outcome.stdout + outcome.stderr).not.toMatch(/secret/);
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

describe("an image from a registry", () => {
  let registry: TestRegistry;
  const push = (image: Image): Promise<string> => pushImage(registry, "os/system", "v1", image);

  beforeAll(async () => {
    registry = await startRegistry({ folder: join(home, "registry") });
  });

  afterAll(async () => {
    await registry.kill();
  });

  it("is installed by its digest, with what upper layers take away and put in its place", async () => {
    const target = newDisk();
    const lower = [
      ...systemEntries("example.com/os:v2"),
      { path: "opt/gone/deep/file", content: "x" },
      { path: "srv/kept/new", content: "lower" },
      { path: "srv/kept/old", content: "lower" },
      { path: "etc/both", folder: true } as const,
      { path: "etc/both/in", content: "x" },
      { path: "usr/share/single", content: "lower" },
    ];
    const upper = [
      { path: "opt/.wh.gone", content: "" },
      { path: "srv/kept/.wh..wh..opq", content: "" },
      { path: "srv/kept/new", content: "upper" },
      { path: "etc/both", content: "a file now" },
      { path: "usr/share/single", content: "upper" },
    ];
    const image = buildImage({ layers: [lower, upper] });
    const digest = await push(image);
    const outcome = await install(target, "--os-image", `${registry.host}/os/system:v1`);
    expect(outcome.code, outcome.stderr).toBe(0);
    target.look("ROS_SLOT_A", (root) => {
      const text = (path: string): string => readFileSync(join(root, path), "utf8");
      expect(readdirSync(join(root, "opt"))).toEqual([]);
      expect(readdirSync(join(root, "srv/kept"))).toEqual(["new"]);
      expect([text("srv/kept/new"), text("etc/both"), text("usr/share/single")]).toEqual([
        "upper",
        "a file now",
        "upper",
      ]);
      expect(JSON.parse(text(".rancheros-slot.json"))).toMatchObject({
        digest,
        reference: `${registry.host}/os/system@${digest}`,
      });
    });
  });

  it("is refused where it is for another processor, is gone, or holds another content than its digest says", async () => {
    const target = newDisk();
    await push(buildImage({ layers: [systemEntries("x")], platform: { os: "linux", architecture: "mips64le" } }));
    expect(await refusal(target, "--os-image", `${registry.host}/os/system:v1`)).toBe("IMAGE_WRONG_PLATFORM");
    expect(await refusal(target, "--os-image", `${registry.host}/os/system@sha256:${"0".repeat(64)}`)).toBe(
      "IMAGE_NOT_FOUND",
    );
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });
});
