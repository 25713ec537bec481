/**
 * An operating system that is not ours, made by the lines of docs/bring-your-own-image.md, is installed from an ISO by
 * somebody at the console, upgraded from the cluster, taken back and reset by hand, and started from a medium by accident.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { kubectl } from "../control-plane/kubectl.ts";
import { eventually, listInventories, type AnyObject } from "../operator/objects.ts";
import { Machine } from "./machine.ts";
import { METAL_NAMESPACE, startMetalSite, type MetalSite } from "./metal-site.ts";
import { REGISTRY_NAME } from "./node-config.ts";
import { patiently, rollOut, untilRollout } from "./rollout.ts";
import { MENU } from "./serial-console.ts";
import { tell, tellTime } from "./steps.ts";

const MINUTE_MS = 60_000;
/** Deadlines for what hangs. */
const MAKE_MS = 40 * MINUTE_MS;
const BOOT_MS = 15 * MINUTE_MS;
const INSTALL_MS = 25 * MINUTE_MS;
const UPGRADE_MS = 25 * MINUTE_MS;
const DOOR = "rack1u3";
const PAGE = path.join(import.meta.dirname, "../../docs/bring-your-own-image.md");

const folder = mkdtempSync(path.join(tmpdir(), "other-"));
let site: MetalSite | undefined;

/** The page's own lines make it, once for all runs on them. @returns an OCI layout */
async function otherSystem(): Promise<string> {
  const lines = /^```sh\n(mkdir -p dist\nmmdebstrap [\s\S]*?)^```$/m.exec(readFileSync(PAGE, "utf8"))?.[1];
  if (lines === undefined) throw new Error(`${PAGE} has no lines that make a system`);
  const { XDG_CACHE_HOME: caches = path.join(homedir(), ".cache") } = process.env;
  const kept = path.join(caches, "rancheros-operator/other-systems");
  const made = path.join(kept, createHash("sha256").update(lines).digest("hex").slice(0, 16));
  if (!existsSync(made)) {
    const work = path.join(folder, "make");
    mkdirSync(work);
    await promisify(execFile)("bash", ["-ec", lines], { cwd: work, timeout: MAKE_MS, maxBuffer: 16 * 1024 * 1024 });
    mkdirSync(kept, { recursive: true });
    for (const older of readdirSync(kept)) rmSync(path.join(kept, older), { recursive: true });
    // From a file system that may be another one.
    await promisify(execFile)("cp", ["--archive", path.join(work, "dist/base"), `${made}.new`]);
    renameSync(`${made}.new`, made);
    rmSync(work, { recursive: true });
  }
  return made;
}

beforeAll(async () => {
  const beganMs = performance.now();
  const base = await otherSystem();
  tellTime((performance.now() - beganMs) / 1000, "another system, as the page makes it");
  site = await startMetalSite(path.join(folder, "site"), base);
  tellTime((performance.now() - beganMs) / 1000, "and with image and boot media of it");
}, MAKE_MS);

afterAll(async () => {
  try {
    await site?.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 2 * MINUTE_MS);

function present(): MetalSite {
  if (site === undefined) throw new Error("the site did not come up");
  return site;
}

describe("a machine with UEFI and an operating system that is not ours", () => {
  const system = {
    manufacturer: "Example, Inc.",
    product: "Bare Metal",
    serial: "RACK1U3",
    uuid: "4c4c4544-0058-1039-8039-b7c04f513133",
  };
  const machine = new Machine({ folder: path.join(folder, "m3"), system, firmware: "uefi", memoryMegabytes: 3072 });
  afterAll(() => machine.stop(), MINUTE_MS);

  async function whyNot(): Promise<string> {
    const journal = await machine.run(
      "journalctl --boot --no-pager --output=short-monotonic | tail -n 80",
      2 * MINUTE_MS,
    );
    return `-- serial port\n${machine.lastSerialLines()}\n-- journal\n${journal.output}`;
  }
  const { step } = tell({ onFailure: whyNot });

  step(
    "shows its menu to who has no configuration that says `automatic`, and the disks to who asks for them",
    BOOT_MS,
    async () => {
      await machine.powerOn({ cdrom: await present().makeIso(await present().makeDoor(DOOR), { asks: true }) });
      await machine.waitForBoot(1, BOOT_MS);
      expect(await machine.must("grep ^VERSION_CODENAME= /usr/lib/os-release")).toBe("VERSION_CODENAME=trixie");
      const console = await machine.console();
      try {
        await console.knock(MENU, BOOT_MS);
        console.answer("d");
        expect(await console.until(MENU, BOOT_MS)).toContain("/dev/vda");
      } finally {
        console.close();
      }
    },
  );

  step("erases nothing where the answer to its question is no", INSTALL_MS, async () => {
    const console = await machine.console();
    try {
      await console.knock(MENU, BOOT_MS);
      console.answer("i");
      await console.until(/Everything on \/dev\/vda .* will be erased\. Go on\? \[y\/N\] /, BOOT_MS);
      console.answer("no");
      await console.until(/INSTALL_DECLINED/, BOOT_MS);
      await console.until(MENU, BOOT_MS);
    } finally {
      console.close();
    }
    expect(await machine.must("lsblk --noheadings --output=NAME,FSTYPE /dev/vda")).toBe("vda");
  });

  step("installs itself where the answer is yes, registers, and starts from its disk", INSTALL_MS, async () => {
    const console = await machine.console();
    try {
      await console.knock(MENU, BOOT_MS);
      console.answer("i");
      await console.until(/Go on\? \[y\/N\] /, BOOT_MS);
      console.answer("yes");
      await machine.waitForBoot(2, INSTALL_MS);
    } finally {
      console.close();
    }
    await expectSlot("a");
    expect((await inventory()).spec["tpm"]).toBe(await machine.must("ros-agent get-tpm-hash"));
  });

  step("is upgraded by a ManagedOSImage without being a node", UPGRADE_MS, async () => {
    const osImage = await present().pushSystem({ version: "v2" });
    const { boots } = machine;
    await rollOut(present().controlPlane, DOOR, { osImage }, { areNodes: false });
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    await untilRollout(present().controlPlane, osImage, "Complete", UPGRADE_MS);
    await expectSlot("b");
    expect(await goodSlot()).toBe("b");
  });

  step("goes back to the system from before by hand, which is then the good one", UPGRADE_MS, async () => {
    const { boots } = machine;
    await machine.must("ros-agent rollback");
    await machine.restartSoon();
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    await patiently(async () => (await goodSlot()) === "a", "slot a is good", BOOT_MS);
    await expectSlot("a");
    expect(await machine.must("cat /usr/lib/rancheros-release")).toContain("os:v1");
  });

  step("is as it was installed after a reset, registers again, and says that it is done", UPGRADE_MS, async () => {
    const { boots } = machine;
    await machine.must("touch /var/lib/somebodys /root/somebodys /etc/somebodys");
    // With a restart of its own the answer would be lost.
    await machine.must("ros-agent reset --yes --no-restart");
    await machine.restartSoon();
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    await expectSlot("a");
    expect(await machine.must("ls /var/lib/somebodys /root/somebodys /etc/somebodys 2>/dev/null | wc -l")).toBe("0");
    await patiently(
      async () => JSON.stringify((await inventory()).status).includes("the machine is as it was installed"),
      "its word of it",
      BOOT_MS,
    );
    const all = await listInventories(present().controlPlane, METAL_NAMESPACE);
    expect(all.map(({ metadata }) => metadata.name)).toEqual([(await inventory()).metadata.name]);
    await patiently(
      async () => (await machine.run("cat /etc/rancher/k3s/registries.yaml")).output.includes(REGISTRY_NAME),
      "the cloud config of its registration",
      BOOT_MS,
    );
  });

  step("stays as it is where the firmware finds a medium first that asks nobody", INSTALL_MS, async () => {
    const before = await partitionIds();
    await machine.must("touch /var/lib/somebodys && sync");
    await machine.powerCut();
    const cdrom = await present().makeIso(await present().makeDoor(DOOR));
    await machine.powerOn({ cdrom, isCdromFirst: true });
    await machine.waitForBoot(1, BOOT_MS);
    expect(await machine.must("cat /proc/cmdline")).toContain("boot=live");
    await untilInstaller(/\/dev\/vda holds a whole installation .*INSTALL_DISK_INSTALLED/s, BOOT_MS);
    expect(await partitionIds()).toBe(before);
    const state = "/dev/disk/by-partlabel/ROS_STATE";
    const look = "test -e /run/state/var/lib/somebodys && umount /run/state";
    await machine.must(`mount --mkdir --options ro ${state} /run/state && ${look}`);
  });

  step(
    "is installed anew where its registration says so, once under that name, and runs from its disk",
    INSTALL_MS,
    async () => {
      const before = await partitionIds();
      const install = { reinstall: "2026-11" };
      const patch = JSON.stringify({ spec: { cloudConfig: { rancheros: { install } } } });
      const door = ["patch", "machineregistration", DOOR, "--namespace", METAL_NAMESPACE];
      await kubectl(present().controlPlane, [...door, "--type=merge", `--patch=${patch}`]);
      // Its service asks again by itself, and the medium is still the first that the firmware finds.
      await machine.waitForBoot(2, INSTALL_MS);
      await untilInstaller(/under the name of reinstall, 2026-11, already/, BOOT_MS);
      expect(await partitionIds()).not.toBe(before);
      await machine.must("sync");
      await machine.powerCut();
      await machine.powerOn();
      await machine.waitForBoot(1, BOOT_MS);
      await expectSlot("a");
      expect(await machine.must("ls /var/lib/somebodys 2>/dev/null | wc -l")).toBe("0");
    },
  );

  step("starts from its disk by itself where its firmware tries the network first", INSTALL_MS, async () => {
    const before = await partitionIds();
    await machine.must("touch /var/lib/somebodys && sync");
    await machine.powerCut();
    const bootFile = present().bootFile(await present().makeDoor(DOOR));
    const { length: saidBefore } = machine.serial;
    await machine.powerOn({ bootFile, isNetworkFirst: true });
    await machine.waitForBoot(1, BOOT_MS);
    expect(await machine.must("cat /proc/cmdline")).toContain(" rancheros.install.installed=start ");
    await machine.waitForBoot(2, BOOT_MS);
    await expectSlot("a");
    const said = machine.serial.slice(saidBefore);
    expect(said).toMatch(/\/dev\/vda holds a whole installation \(.*\): the machine starts from it/);
    // Said once the firmware was told, which is not before the count of attempts is written; and the disk took it as well.
    expect(said).toMatch(/its firmware starts that next \(Boot[0-9A-F]{4}\)/);
    expect(said).not.toContain("FIRMWARE_UNSAVED");
    expect(await partitionIds()).toBe(before);
    await machine.must("ls /var/lib/somebodys");
    // Its agent has seen that the firmware does what it is told.
    const variables = "/sys/firmware/efi/efivars";
    await machine.must(`findmnt --noheadings --types=efivarfs ${variables}`);
    // Of what each start has, one: nothing is read from a folder in which nobody sees variables.
    const counts = `ls ${variables} | grep --count --regexp=^BootCurrent- --regexp=^RancherOSStarts- || true`;
    await patiently(async () => (await machine.must(counts)) === "1", "the variable that counts to be gone", BOOT_MS);
    // It remarks on the geometry of a partition, which is no name.
    const names = "names=$(mdir -b -i /dev/disk/by-partlabel/ROS_ESP :: 2>/dev/null)";
    const counted = `${names} && printf '%s\\n' "$names" | grep --count ROSTARTS || true`;
    await patiently(async () => (await machine.must(counted)) === "0", "the file that counts to be gone", BOOT_MS);
  });

  async function partitionIds(): Promise<string> {
    return machine.must("lsblk --noheadings --output=PARTUUID /dev/vda");
  }

  /** Until the service of the live system has said this in this start. */
  async function untilInstaller(words: RegExp, timeoutMs: number): Promise<void> {
    const journal = "journalctl --boot --unit=ros-agent-install --no-pager --output=cat";
    await patiently(async () => words.test((await machine.run(journal)).output), String(words), timeoutMs);
  }

  async function inventory(): Promise<AnyObject> {
    return eventually(
      async () => (await listInventories(present().controlPlane, METAL_NAMESPACE))[0],
      "the MachineInventory",
    );
  }

  async function expectSlot(slot: string): Promise<void> {
    expect(await machine.must("cat /proc/cmdline")).toContain(` rancheros.slot=${slot} `);
  }

  async function goodSlot(): Promise<string> {
    return machine.must("grub-editenv /oem/grub/grubenv list | sed -n s/^good=//p");
  }
});
