/** Machines without an operating system: booted from the network or an ISO they install themselves, register, and run from their disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { kubectl, kubectlApply } from "../control-plane/kubectl.ts";
import { eventually, listInventories, type AnyObject } from "../operator/objects.ts";
import { keptSteps } from "./kept-steps.ts";
import { Machine } from "./machine.ts";
import { METAL_NAMESPACE, startMetalSite, type MetalSite } from "./metal-site.ts";
import { REGISTRY_NAME } from "./node-config.ts";
import { nodeField, patiently, READY, rollOut, untilRollout } from "./rollout.ts";
import { pushImage } from "../registry/index.ts";
import { PANICS, SUC_TRACE, sucUpgradeImage, UNHEALTHY, UNHEALTHY_WORDS } from "./bad-systems.ts";
import type { SystemVersion } from "./system-images.ts";
import { tell, tellFigure, tellTime } from "./steps.ts";

const MINUTE_MS = 60_000;
/** Deadlines for what hangs: a boot takes half a minute, an installation two, where nobody else wants the cores. */
const BOOT_MS = 15 * MINUTE_MS;
const INSTALL_MS = 25 * MINUTE_MS;
const UPGRADE_MS = 25 * MINUTE_MS;
/** More than the smallest partition has: nothing of the installation may be aligned to it. */
const STRIPE_BYTES = 4 * 1024 ** 2;
/** The first machine's. */
const NODE = "rack1u1";
const UUID = "4c4c4544-0058-1039-8039-b7c04f51313";

/** Of the first machine what everything else rests on: installation, node, upgrade, fall-back. */
const isShort = process.env["RANCHEROS_METAL_SHORT"] === "1";
const kept = keptSteps(process.env);
const folder = kept?.siteFolder ?? mkdtempSync(path.join(tmpdir(), "metal-"));
/** What serial ports and journals said stays there. */
const logs = process.env["RANCHEROS_METAL_LOGS"] ?? path.resolve(import.meta.dirname, "../../.work/metal");
let site: MetalSite;
/** There is none where it did not come up, which is then the reason that counts. */
let stopSite: () => Promise<void> = async () => undefined;
let second: Machine;

/** What the first machine is upgraded to, one after the other. */
const SYSTEMS = {
  good: { version: "v2" },
  panics: { version: "v3", files: PANICS },
  unhealthy: { version: "v4", files: UNHEALTHY },
} as const satisfies Record<string, SystemVersion>;
const pushed = new Map<SystemVersion, Promise<string>>();
let isOver = false;

/** @returns as people write it in osImage */
async function osImageOf(system: SystemVersion): Promise<string> {
  const osImage = pushed.get(system) ?? site.pushSystem(system);
  pushed.set(system, osImage);
  return osImage;
}

/** While the machines install themselves, so that nobody waits for it later. */
async function pushSystems(): Promise<void> {
  const { good, panics, unhealthy } = SYSTEMS;
  for (const system of isShort ? [good, panics] : [good, panics, unhealthy]) {
    if (isOver) return;
    await osImageOf(system);
  }
}

beforeAll(async () => {
  kept?.restore();
  site = await startMetalSite(folder);
  stopSite = () => site.stop();
  second = buyMachine(2, "uefi");
  // What goes wrong is told by the step that wants the image.
  if ((kept?.from ?? 1) === 1) pushSystems().catch(() => undefined);
  if (kept !== undefined || isShort) return;
  // One machine leaves half of the cores to another.
  installed = installFromIso(second);
  installed.catch(() => undefined);
}, 40 * MINUTE_MS);

afterAll(async () => {
  isOver = true;
  try {
    // After an early failure it is still at work in the folder.
    await Promise.allSettled(pushed.values());
    await stopSite();
  } finally {
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
  }
}, 2 * MINUTE_MS);

function buyMachine(number: number, firmware: "bios" | "uefi"): Machine {
  const system = {
    manufacturer: "Example, Inc.",
    product: "Bare Metal",
    serial: `RACK1U${number}`,
    uuid: `${UUID}${number}`,
  };
  // Of the two machines one has a disk that is a stripe of several.
  const disk = firmware === "bios" ? { diskStripeBytes: STRIPE_BYTES } : {};
  return new Machine({ folder: path.join(folder, `m${number}`), system, firmware, ...disk });
}

interface IsoInstallation {
  readonly tpmHash: string;
  readonly seconds: number;
}

/** The second machine's. */
let installed: Promise<IsoInstallation> | undefined;

async function installFromIso(machine: Machine): Promise<IsoInstallation> {
  const cdrom = await site.makeIso(await site.makeDoor("rack1u2"));
  const beganMs = performance.now();
  await machine.powerOn({ cdrom });
  await machine.waitForBoot(2, INSTALL_MS);
  const seconds = (performance.now() - beganMs) / 1000;
  await expectSlot(machine, "a");
  const tpmHash = await machine.must("ros-agent get-tpm-hash");
  await machine.stop();
  return { tpmHash, seconds };
}

async function inventoryOf(number: number): Promise<AnyObject> {
  return eventually(
    async () =>
      (await listInventories(site.controlPlane, METAL_NAMESPACE)).find(({ metadata }) =>
        metadata.name.startsWith(`rack1u${number}-`),
      ),
    "the MachineInventory",
  );
}

/** What helps to see why a machine does not do what it should. */
async function whyNot(machine: Machine, number: number): Promise<string> {
  const journal = await machine.run("journalctl --boot --no-pager --output=short-monotonic", 2 * MINUTE_MS).then(
    ({ output }) => output,
    (error: unknown) => String(error),
  );
  keep(`machine-${number}-journal.log`, journal);
  const last = journal.split("\n").slice(-60).join("\n");
  const operator = site.operator.log().split("\n").slice(-15).join("\n");
  return `-- serial port\n${machine.lastSerialLines()}\n-- journal\n${last}\n-- operator\n${operator}\n-- more in ${logs}`;
}

function keep(name: string, text: string): void {
  mkdirSync(logs, { recursive: true });
  writeFileSync(path.join(logs, name), text);
}

async function takeAway(machine: Machine, number: number): Promise<void> {
  await machine.stop();
  keep(`machine-${number}-serial.log`, machine.serial);
}

async function expectSlot(machine: Machine, slot: string): Promise<void> {
  expect(await machine.must("cat /proc/cmdline")).toContain(` rancheros.slot=${slot} `);
  expect(await machine.must("findmnt --noheadings --output=SOURCE,OPTIONS /")).toMatch(/^\/dev\/vda\d+ +ro\b/);
  for (const point of ["/oem", "/var", "/etc"]) await machine.must(`findmnt --noheadings ${point}`);
}

describe("a machine that boots from the network with BIOS", () => {
  let machine: Machine;
  let hash: string;
  beforeAll(() => {
    machine = buyMachine(1, "bios");
  });
  afterAll(() => takeAway(machine, 1), MINUTE_MS);
  const { step, aside } = tell({
    isShort,
    onFailure: () => whyNot(machine, 1),
    from: kept?.from ?? 1,
    async resume() {
      if ((kept?.from ?? 1) === 1) return;
      await machine.powerOn();
      await machine.waitForBoot(1, BOOT_MS);
    },
    async onPassed(next) {
      if (kept !== undefined) await machine.still(() => site.still(() => kept.save(next)));
    },
  });

  step("loads kernel, initrd and squashfs from the operator, and has its TPM and its SMBIOS", BOOT_MS, async () => {
    await machine.powerOn({ bootFile: site.bootFile(await site.makeDoor(NODE)) });
    await machine.waitForBoot(1, BOOT_MS);
    expect(await machine.must("cat /proc/cmdline")).toContain("boot=live");
    hash = await machine.must("ros-agent get-tpm-hash");
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const smbios: unknown = JSON.parse(await machine.must("ros-agent smbios --json"));
    expect(smbios).toMatchObject({ "System Information": { "Serial Number": "RACK1U1" } });
  });

  step("registers, installs itself onto its empty disk, and starts from there", INSTALL_MS, async () => {
    await machine.waitForBoot(2, INSTALL_MS);
    await expectSlot(machine, "a");
    expect(await machine.must("ros-agent get-tpm-hash")).toBe(hash);
    expect((await inventoryOf(1)).spec["tpm"]).toBe(hash);
    expect(await machine.must("cat /proc/sys/kernel/hostname")).toBe("bare-metal-rack1u1");
  });

  step("joins the cluster as a node, and runs pods", BOOT_MS, async () => {
    const { controlPlane } = site;
    await patiently(async () => (await nodeField(controlPlane, NODE, READY)) === "True", "the node", BOOT_MS);
    await kubectlApply(controlPlane, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "default" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: {
            nodeName: NODE, // There is no scheduler.
            automountServiceAccountToken: false,
            containers: [{ name: "web", image: `${REGISTRY_NAME}/pause:1` }],
          },
        },
      },
    });
    await untilPodRuns();
    expect(await machine.must("systemctl is-active kubelet containerd ros-agent")).toBe("active\nactive\nactive");
    tellFigure(await residentMegabytes("ros-agent"), "MB", "resident: ros-agent on the node");
    tellFigure(await residentMegabytes("kubelet"), "MB", "resident: kubelet, for comparison");
  });

  async function residentMegabytes(service: string): Promise<number> {
    const status = `/proc/$(systemctl show --property=MainPID --value ${service})/status`;
    return Number(await machine.must(`sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p' ${status}`)) / 1024;
  }

  async function untilPodRuns(): Promise<void> {
    const available = ["get", "deployment", "web", "--output=jsonpath={.status.availableReplicas}"];
    await patiently(async () => (await kubectl(site.controlPlane, available)) === "1", "the pod", BOOT_MS);
  }

  async function goodSlot(): Promise<string> {
    return machine.must("grub-editenv /oem/grub/grubenv list | sed -n s/^good=//p");
  }

  /** What the operator says of the machine's upgrade. */
  async function upgrade(): Promise<unknown> {
    return (await inventoryOf(1)).status?.["upgrade"];
  }

  async function expectWorking(version: string): Promise<void> {
    await expectSlot(machine, "b");
    expect(await goodSlot()).toBe("b");
    expect(await machine.must("cat /usr/lib/rancheros-release")).toContain(`os:${version}`);
    expect(await nodeField(site.controlPlane, NODE, ".spec.unschedulable")).toBe("");
  }

  step("is upgraded by a ManagedOSImage: slot b is written, started once, and good", UPGRADE_MS, async () => {
    const osImage = await osImageOf(SYSTEMS.good);
    const { boots } = machine;
    await rollOut(site.controlPlane, NODE, { osImage });
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    await untilRollout(site.controlPlane, osImage, "Complete", UPGRADE_MS);
    await expectWorking("v2");
    await untilPodRuns();
  });

  aside("starts the old slot where the power goes while the other one is written", UPGRADE_MS, async () => {
    const osImage = await osImageOf(SYSTEMS.panics);
    const id = await machine.must("cat /etc/machine-id");
    await rollOut(site.controlPlane, NODE, { osImage });
    await patiently(
      // The operator hears of it some time later.
      async () => /(50|75) %/.test(await machine.must("cat /var/lib/rancheros/upgrade.json")),
      "half of the slot is written",
      UPGRADE_MS,
    );
    await machine.powerCut();
    await machine.powerOn();
    await machine.waitForBoot(1, BOOT_MS);
    await expectWorking("v2");
    expect(await machine.must("cat /etc/machine-id")).toBe(id);
  });

  step("falls back from an image that panics, after the power cut too, and says so", UPGRADE_MS, async () => {
    const osImage = await osImageOf(SYSTEMS.panics);
    const { boots } = machine;
    // Where the power was cut this is what it is about already.
    await rollOut(site.controlPlane, NODE, { osImage });
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    const halted = await untilRollout(site.controlPlane, osImage, "Halted", UPGRADE_MS);
    expect(halted.failures?.[0]).toMatchObject({ reason: "UPGRADE_FELL_BACK" });
    expect(await upgrade()).toMatchObject({ phase: "RolledBack", digest: halted.digest, reason: "UPGRADE_FELL_BACK" });
    expect(machine.serial).toMatch(/Kernel panic/);
    await expectWorking("v2");
    await untilPodRuns();
  });

  aside("does not try this image again, also where another plan asks for it", UPGRADE_MS, async () => {
    const osImage = `${REGISTRY_NAME}/os:v3`;
    const { boots } = machine;
    await rollOut(site.controlPlane, NODE, { osImage, cloudConfig: { ntp: { servers: ["time.example"] } } });
    const { failures = [] } = await untilRollout(
      site.controlPlane,
      osImage,
      "Halted",
      BOOT_MS,
      ({ failures: found }) => found?.[0]?.reason === "UPGRADE_FAILED_BEFORE",
    );
    expect(failures).toHaveLength(1);
    expect(machine.boots).toBe(boots);
    await expectWorking("v2");
  });

  aside("falls back from an image on which a check of the administrator's fails", UPGRADE_MS, async () => {
    const osImage = await osImageOf(SYSTEMS.unhealthy);
    const { boots } = machine;
    await rollOut(site.controlPlane, NODE, { osImage });
    await machine.waitForBoot(boots + 2, UPGRADE_MS);
    const halted = await untilRollout(site.controlPlane, osImage, "Halted", UPGRADE_MS);
    expect(halted.failures?.[0]).toMatchObject({ reason: "UPGRADE_FELL_BACK" });
    expect(halted.failures?.[0]?.message).toContain(UNHEALTHY_WORDS);
    expect(await upgrade()).toMatchObject({ phase: "RolledBack", digest: halted.digest });
    await expectWorking("v2");
  });

  aside(
    "is upgraded by the suc-upgrade of an image, which asks for a restart, through containerd",
    UPGRADE_MS,
    async () => {
      await pushImage(site.registry, "suc", "1", sucUpgradeImage());
      const osImage = `${REGISTRY_NAME}/suc:1`;
      const { boots } = machine;
      await rollOut(site.controlPlane, NODE, { osImage });
      await machine.waitForBoot(boots + 1, UPGRADE_MS);
      await untilRollout(site.controlPlane, osImage, "Complete", UPGRADE_MS);
      expect(await machine.must(`cat ${SUC_TRACE}`)).toBe("asks for a restart\nis done");
      await expectWorking("v2");
    },
  );
});

function describeWhole(name: string, tests: () => void): void {
  if (!isShort) describe(name, tests);
}

describeWhole("a machine that boots from an ISO with UEFI, at the same time", () => {
  afterAll(() => takeAway(second, 2), MINUTE_MS);
  const { step } = tell({ tellsTimes: false, onFailure: () => whyNot(second, 2) });

  step("registers where the ISO says, installs itself, and starts from its disk", INSTALL_MS, async () => {
    const { tpmHash, seconds } = await (installed ?? installFromIso(second));
    expect((await inventoryOf(2)).spec["tpm"]).toBe(tpmHash);
    tellTime(seconds, "from the ISO, beside the other machine");
  });
});
