/** A machine joins by the attestation protocol: our agent's command line, a software TPM, a real operator, a real API server. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, beforeEach, describe, expect, inject, it } from "vitest";

import { startRosAgent, type Running } from "../../../packages/cli/test/integration/ros-agent.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import {
  eventually,
  getObject,
  listInventories,
  removeInventories,
  type AnyObject,
  type MadeRegistration,
} from "../../operator/objects.ts";
import { runRosAgent } from "../interop/ros-agent.ts";
import { SERIAL_NUMBER, useAgent } from "./use-agent.ts";

const target = inject("controlPlane");
const agent = useAgent(target, "attests");
const { used, flags } = agent;
const { namespace, folder } = used;

let open: MadeRegistration;
let guarded: MadeRegistration;

beforeAll(async () => {
  const cloudConfig = { users: [{ name: "root", passwd: "canary-passwd" }] };
  const machineName = "${System Information/Serial Number}-";
  open = await used.makeDoor("open", { machineName, cloudConfig, acceptedLabels: ["rack"] });
  const attestation = { approval: "manual" };
  guarded = await used.makeDoor("guarded", { machineName, cloudConfig, attestation });
});

beforeEach(async () => {
  await removeInventories(target, namespace);
});

async function onlyInventory(): Promise<AnyObject> {
  const [inventory, ...others] = await listInventories(target, namespace);
  if (inventory === undefined || others.length > 0) throw new Error("not one inventory");
  return inventory;
}

async function setApproval(approval: string): Promise<void> {
  const { name } = (await onlyInventory()).metadata;
  const patch = JSON.stringify({ spec: { approval } });
  await kubectl(target, ["-n", namespace, "patch", "machineinventory", name, "--type", "merge", "-p", patch]);
}

describe("ros-agent register", () => {
  it("--check tries everything and makes nothing", async () => {
    const outcome = await runRosAgent(["register", open.url, "--check", ...flags()]);
    expect(outcome).toMatchObject({ status: 0 });
    expect(await listInventories(target, namespace)).toEqual([]);
  });

  it("makes the machine, known by its TPM, and saves its config", async () => {
    const output = path.join(folder, "config.yaml");
    const outcome = await runRosAgent(["register", open.url, ...flags(), "--label", "rack=r1", "--output", output]);
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(readFileSync(output, "utf8")).toContain("canary-passwd");
    const hash = (await runRosAgent(["get-tpm-hash", "--tcti", agent.tpm.tcti])).stdout.trim();
    expect(await onlyInventory()).toMatchObject({
      metadata: { labels: { rack: "r1", "rancheros.cattle.io/machine-registration": "open" } },
      spec: { tpm: hash, smbios: { "System Information": { "Serial Number": SERIAL_NUMBER } } },
    });
    expect(outcome.stderr + used.operator.log()).not.toMatch(/canary-passwd/);
  });

  it("makes the machine called by what its firmware says of it, at each visit", async () => {
    const hostname = "node-${System Information/Serial Number}";
    const named = await used.makeDoor("named", { cloudConfig: { hostname } });
    const root = path.join(folder, "root");
    mkdirSync(path.join(root, "etc"), { recursive: true });
    const usual = ["--ca-cert", agent.caFile, "--tcti", agent.tpm.tcti, "--apply", "--root", root];
    for (const smbios of [["--smbios-dump", agent.dmi], ["--no-smbios"]]) {
      const args = ["register", named.url, ...usual, ...smbios];
      const outcome = await runRosAgent(args);
      expect(outcome.status, outcome.stderr).toBe(0);
      expect(readFileSync(path.join(root, "etc/hostname"), "utf8")).toBe("node-7x9kq13\n");
    }
    const template = path.join(folder, "template.yaml");
    writeFileSync(template, `cloudConfig: { hostname: "${hostname}" }`);
    const shown = await runRosAgent(["labels", "--template", template, ...flags().slice(2)]);
    expect(shown.stdout).toMatch(/^hostname {4}node-7x9kq13$/m);
    writeFileSync(template, `cloudConfig: { hostname: "${hostname.slice(0, -1)}" }`);
    const wrong = await runRosAgent(["labels", "--template", template, ...flags().slice(2)]);
    expect(wrong.stderr).toContain("spec.cloudConfig.hostname: ${System Information/Serial Number has no }");
  });

  it("is given no label that the registration does not leave to it", async () => {
    const labels = ["--label", "rack=r2", "--label", "zone=z1", "--label", "rancheros.cattle.io/trust=hardware"];
    const outcome = await runRosAgent(["register", open.url, ...flags(), ...labels, "--json"]);
    expect(outcome.status, outcome.stderr).toBe(0);
    const { labels: stored } = (await onlyInventory()).metadata;
    expect(stored).toMatchObject({ rack: "r2", "rancheros.cattle.io/trust": "none" });
    expect(stored).not.toHaveProperty("zone");
  });

  it.each(["ecc-p256", "rsa3072"])("is known by another key with --ek %s", async (ek) => {
    const outcome = await runRosAgent(["register", open.url, ...flags(), "--ek", ek, "--json"]);
    expect(outcome.status, outcome.stderr).toBe(0);
    const hash = (await runRosAgent(["get-tpm-hash", "--ek", ek, "--tcti", agent.tpm.tcti])).stdout.trim();
    expect((await onlyInventory()).spec).toMatchObject({ tpm: hash });
  });

  it("waits until somebody approves the machine, and goes on by itself", async () => {
    const running: Running = startRosAgent(["register", guarded.url, ...flags(), "--wait", "40s", "--json"]);
    const waiting = await eventually(async () => (await listInventories(target, namespace))[0], "the machine");
    expect(waiting.spec).toMatchObject({ approval: "Pending" });
    await setApproval("Approved");
    const outcome = await running.outcome;
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(outcome.stdout).toContain("canary-passwd");
    const { name } = waiting.metadata;
    expect(outcome.stderr).toContain(`kubectl -n ${namespace} patch machineinventory ${name} --type merge -p`);
  });

  it("says who waits and who is denied, each with its code", async () => {
    const pending = await runRosAgent(["register", guarded.url, ...flags(), "--json"]);
    expect([pending.status, pending.stdout]).toEqual([5, expect.stringContaining("REGISTRATION_PENDING")]);
    await setApproval("Denied");
    const denied = await runRosAgent(["register", guarded.url, ...flags(), "--json"]);
    expect([denied.status, denied.stdout]).toEqual([5, expect.stringContaining("REGISTRATION_DENIED")]);
    expect(pending.stdout + denied.stdout).not.toContain("canary-passwd");
  });
});

describe("ros-agent report", () => {
  it("tells the operator's address alone what the machine is", async () => {
    expect(await runRosAgent(["register", open.url, ...flags(), "--json"])).toMatchObject({ status: 0 });
    const outcome = await runRosAgent(["report", used.operator.httpsUrl, ...flags(), "--json"]);
    expect(outcome.status, outcome.stderr).toBe(0);
    const { name } = (await onlyInventory()).metadata;
    expect(JSON.parse(outcome.stdout)).toMatchObject({ machine: { namespace, name }, approval: "Approved" });
    const told = await eventually(async () => {
      const status = (await getObject(target, "machineinventory", namespace, name))?.status;
      return status?.["agentVersion"] === undefined ? undefined : status;
    }, "the report in the status");
    expect(told).toMatchObject({ agentVersion: "0.1.0", addresses: expect.arrayContaining([]) as unknown[] });
  });

  it("is refused for a machine whose inventory was deleted, and says what brings it back", async () => {
    const tell = () => runRosAgent(["report", used.operator.httpsUrl, ...flags(), "--json"]);
    expect(await runRosAgent(["register", open.url, ...flags(), "--json"])).toMatchObject({ status: 0 });
    const { metadata } = await onlyInventory();
    await kubectl(target, ["delete", "minv", metadata.name, `--namespace=${namespace}`]);
    const refused = await eventually(async () => {
      const outcome = await tell();
      return outcome.status === 0 ? undefined : outcome;
    }, "the refusal");
    expect([refused.status, refused.stdout]).toEqual([5, expect.stringContaining("MACHINE_UNKNOWN")]);
    const [, hash] =
      /register it again, or make a MachineInventory with spec[.]tpm ([0-9a-f]{64})/.exec(refused.stdout) ?? [];
    const names = { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory" };
    await applyObjects(target, { ...names, metadata: { name: "by-hand", namespace }, spec: { tpm: hash } });
    const known = await eventually(async () => {
      const outcome = await tell();
      return outcome.status === 0 ? outcome : undefined;
    }, "the report");
    expect(JSON.parse(known.stdout)).toMatchObject({ machine: { namespace, name: "by-hand" } });
  });

  it("is refused for a machine that nobody knows", async () => {
    const outcome = await runRosAgent(["report", used.operator.httpsUrl, ...flags(), "--json"]);
    expect([outcome.status, outcome.stdout]).toEqual([5, expect.stringContaining("MACHINE_UNKNOWN")]);
  });
});
