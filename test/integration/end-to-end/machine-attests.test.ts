/** A machine joins by the attestation protocol: our agent's command line, a software TPM, a real operator, a real API server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";

import { startRosAgent, type Running } from "../../../packages/cli/test/integration/ros-agent.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import {
  eventually,
  getObject,
  listInventories,
  makeRegistration,
  removeInventories,
  type AnyObject,
  type MadeRegistration,
} from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { writeSystemTables } from "../../smbios/system-tables.ts";
import { startSwtpm, type Swtpm } from "../../swtpm/index.ts";
import { runRosAgent } from "../interop/ros-agent.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "attests");
const folder = mkdtempSync(path.join(tmpdir(), "ros-attests-"));
const dmi = path.join(folder, "dmi");
const caFile = path.join(folder, "ca.pem");

let operator: OperatorProcess;
let tpm: Swtpm;
let open: MadeRegistration;
let guarded: MadeRegistration;

beforeAll(async () => {
  writeSystemTables(dmi, {
    manufacturer: "Dell Inc.",
    productName: "PowerEdge R640",
    serialNumber: "7X9KQ13",
    uuidHex: "4c4c4544005810398039b7c04f513133",
  });
  [operator, tpm] = await Promise.all([
    startOperator({ folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace }),
    startSwtpm({ stateFolder: path.join(folder, "tpm"), withEkCertificate: true }),
  ]);
  writeFileSync(caFile, await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text());
  const cloudConfig = { users: [{ name: "root", passwd: "canary-passwd" }] };
  const machineName = "${System Information/Serial Number}-";
  open = await makeRegistration(target, namespace, "open", { machineName, cloudConfig, acceptedLabels: ["rack"] });
  const attestation = { approval: "manual" };
  guarded = await makeRegistration(target, namespace, "guarded", { machineName, cloudConfig, attestation });
});

afterAll(async () => {
  await Promise.all([operator.stop(), tpm.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await removeInventories(target, namespace);
});

const flags = (): string[] => ["--ca-cert", caFile, "--smbios-dump", dmi, "--tcti", tpm.tcti];

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
    const hash = (await runRosAgent(["get-tpm-hash", "--tcti", tpm.tcti])).stdout.trim();
    expect(await onlyInventory()).toMatchObject({
      metadata: { labels: { "rancheros.cattle.io/machine-registration": "open" } },
      spec: { tpm: hash, smbios: { "System Information": { "Serial Number": "7X9KQ13" } } },
    });
    expect(outcome.stderr + operator.log()).not.toMatch(/canary-passwd/);
  });

  it.each(["ecc-p256", "rsa3072"])("is known by another key with --ek %s", async (ek) => {
    const outcome = await runRosAgent(["register", open.url, ...flags(), "--ek", ek, "--json"]);
    expect(outcome.status, outcome.stderr).toBe(0);
    const hash = (await runRosAgent(["get-tpm-hash", "--ek", ek, "--tcti", tpm.tcti])).stdout.trim();
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
    const outcome = await runRosAgent(["report", operator.httpsUrl, ...flags(), "--json"]);
    expect(outcome.status, outcome.stderr).toBe(0);
    const { name } = (await onlyInventory()).metadata;
    expect(JSON.parse(outcome.stdout)).toMatchObject({ machine: { namespace, name }, approval: "Approved" });
    const told = await eventually(async () => {
      const status = (await getObject(target, "machineinventory", namespace, name))?.status;
      return status?.["agentVersion"] === undefined ? undefined : status;
    }, "the report in the status");
    expect(told).toMatchObject({ agentVersion: "0.1.0", addresses: expect.arrayContaining([]) as unknown[] });
  });

  it("is refused for a machine that nobody knows", async () => {
    const outcome = await runRosAgent(["report", operator.httpsUrl, ...flags(), "--json"]);
    expect([outcome.status, outcome.stdout]).toEqual([5, expect.stringContaining("MACHINE_UNKNOWN")]);
  });
});
