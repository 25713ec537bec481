/** Machines without an operating system: booted from the network or an ISO they install themselves, register, and run from their disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { kubectl, kubectlApply } from "../control-plane/kubectl.ts";
import { eventually, listInventories, type AnyObject } from "../operator/objects.ts";
import { Machine } from "./machine.ts";
import { METAL_NAMESPACE, startMetalSite, type MetalSite } from "./metal-site.ts";
import { REGISTRY_NAME } from "./node-config.ts";
import { nodeField, patiently, READY, rollOut, untilRollout } from "./rollout.ts";
import { tell } from "./steps.ts";

const MINUTE_MS = 60_000;
/** Deadlines for what hangs: a boot takes half a minute, an installation two, where nobody else wants the cores. */
const BOOT_MS = 15 * MINUTE_MS;
const INSTALL_MS = 25 * MINUTE_MS;
const UPGRADE_MS = 25 * MINUTE_MS;
/** The first machine's. */
const NODE = "rack1u1";
const UUID = "4c4c4544-0058-1039-8039-b7c04f51313";

const folder = mkdtempSync(path.join(tmpdir(), "metal-"));
/** What serial ports and journals said stays there. */
const logs = process.env["RANCHEROS_METAL_LOGS"] ?? path.resolve(import.meta.dirname, "../../.work/metal");
let site: MetalSite;

beforeAll(async () => {
  site = await startMetalSite(folder);
}, 40 * MINUTE_MS);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
}, 2 * MINUTE_MS);

function buyMachine(number: number, firmware: "bios" | "uefi"): Machine {
  const system = {
    manufacturer: "Example, Inc.",
    product: "Bare Metal",
    serial: `RACK1U${number}`,
    uuid: `${UUID}${number}`,
  };
  return new Machine({ folder: path.join(folder, `m${number}`), system, firmware });
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
  const { step } = tell(() => whyNot(machine, 1));

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
  });

  step("is a MachineInventory, by the key of its TPM", 2 * MINUTE_MS, async () => {
    const inventory = await inventoryOf(1);
    expect(inventory.spec["tpm"]).toBe(hash);
    expect(await machine.must("ros-agent get-tpm-hash")).toBe(hash);
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
    const available = ["get", "deployment", "web", "--output=jsonpath={.status.availableReplicas}"];
    await patiently(async () => (await kubectl(controlPlane, available)) === "1", "the pod", BOOT_MS);
  });

  step("keeps its identity and its state over a power cut", BOOT_MS, async () => {
    const id = await machine.must("cat /etc/machine-id");
    await machine.must("touch /var/lib/marker && sync");
    await machine.powerCut();
    await machine.powerOn();
    await machine.waitForBoot(1, BOOT_MS);
    expect(await machine.must("cat /etc/machine-id; ls /var/lib/marker")).toBe(`${id}\n/var/lib/marker`);
  });

  async function goodSlot(): Promise<string> {
    return machine.must("grub-editenv /oem/grub/grubenv list | sed -n s/^good=//p");
  }

  step("is upgraded by a ManagedOSImage: slot b is written, started once, and good", UPGRADE_MS, async () => {
    const osImage = await site.pushSystem({ version: "v2" });
    const { boots } = machine;
    await rollOut(site.controlPlane, osImage);
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    await expectSlot(machine, "b");
    await untilRollout(site.controlPlane, osImage, "Complete", UPGRADE_MS);
    expect(await machine.must("cat /usr/lib/rancheros-release")).toContain("os:v2");
    expect(await goodSlot()).toBe("b");
    expect(await nodeField(site.controlPlane, NODE, ".spec.unschedulable")).toBe("");
  });

  step("falls back from an image that panics, says so, and does not try it again", UPGRADE_MS, async () => {
    const init = { content: "#!/bin/sh\nexit 1\n", isProgram: true };
    const osImage = await site.pushSystem({ version: "v3", files: { "usr/lib/rancheros/init": init } });
    const { boots } = machine;
    await rollOut(site.controlPlane, osImage);
    await machine.waitForBoot(boots + 1, UPGRADE_MS);
    await expectSlot(machine, "b");
    const halted = await untilRollout(site.controlPlane, osImage, "Halted", UPGRADE_MS);
    expect(halted.failures?.[0]).toMatchObject({ reason: "UPGRADE_FELL_BACK" });
    expect(machine.serial).toMatch(/Kernel panic/);
    expect(await goodSlot()).toBe("b");
    expect(await nodeField(site.controlPlane, NODE, ".spec.unschedulable")).toBe("");
  });
});

describe("a machine that boots from an ISO with UEFI", () => {
  let machine: Machine;
  beforeAll(() => {
    machine = buyMachine(2, "uefi");
  });
  afterAll(() => takeAway(machine, 2), MINUTE_MS);
  const { step } = tell(() => whyNot(machine, 2));

  step("registers where the ISO says, installs itself, and starts from its disk", INSTALL_MS, async () => {
    await machine.powerOn({ cdrom: await site.makeIso(await site.makeDoor("rack1u2")) });
    await machine.waitForBoot(2, INSTALL_MS);
    await expectSlot(machine, "a");
    const inventory = await inventoryOf(2);
    expect(inventory.spec["tpm"]).toBe(await machine.must("ros-agent get-tpm-hash"));
  });
});
