/** A machine built like rancherd, on rancherd's own libraries, registers at our operator. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { BUILD_TIMEOUT_MS, buildLegacyPrograms } from "../../go/build.ts";
import { runLegacyClient } from "../../go/legacy-client.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { startSwtpm, type Swtpm } from "../../swtpm/index.ts";
import { runRosAgent } from "./ros-agent.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "go-client");
const folder = mkdtempSync(path.join(tmpdir(), "go-client-"));
const caPath = path.join(folder, "ca.pem");
const smbiosPath = path.join(folder, "smbios.json");
const smbios = {
  "System Information": {
    Manufacturer: "Dell Inc. <&>",
    "Product Name": "PowerEdge R7\u20285",
    "Serial Number": "7X9-1",
  },
  "BIOS Information": { "Characteristics:": ["PCI is supported", "BIOS is upgradeable"] },
};
let operator: OperatorProcess;
let certified: Swtpm;
let bare: Swtpm;

beforeAll(async () => {
  await buildLegacyPrograms();
  const newTpm = (name: string, withEkCertificate: boolean) =>
    startSwtpm({ stateFolder: path.join(folder, name), withEkCertificate });
  [certified, bare, operator] = await Promise.all([
    newTpm("certified", true),
    newTpm("bare", false),
    startOperator({ folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace }),
  ]);
  writeFileSync(caPath, await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text());
  writeFileSync(smbiosPath, JSON.stringify(smbios));
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all([operator.stop(), certified.stop(), bare.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const address = (tpm: Swtpm) => `127.0.0.1:${tpm.port}`;
const register = (url: string, tpm: Swtpm, ...flags: readonly string[]) =>
  runLegacyClient(["register", url, "--tpm", address(tpm), ...flags]);

async function plainUrl(registration: string, spec: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { token } = await makeRegistration(target, namespace, registration, spec);
  return `${operator.httpUrl}/v1-rancheros/registration/${token}`;
}

async function hashOf(tpm: Swtpm): Promise<string> {
  const { stdout } = await runLegacyClient(["hash", "--tpm", address(tpm)]);
  return stdout.trim();
}

async function inventoriesOf(ekHash: string) {
  return (await listInventories(target, namespace)).filter((one) => one.spec["tpm"] === ekHash);
}

describe.each([
  ["with an EK certificate", () => certified],
  ["without an EK certificate", () => bare],
])("a TPM %s", (_what, tpm) => {
  it("has one hash for the Go client, for our agent, and in the inventory", async () => {
    const before = await runRosAgent(["get-tpm-hash", "--tcti", tpm().tcti]);
    const go = await runLegacyClient(["hash", "--tpm", address(tpm())]);
    expect(go.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(before.stdout).toBe(go.stdout);
    expect(await register(await plainUrl("hash"), tpm())).toMatchObject({ status: 0 });
    expect(await inventoriesOf(go.stdout.trim())).toHaveLength(1);
    // By now the Go client has put its storage key and its endorsement key into the TPM for good.
    const after = await runRosAgent(["get-tpm-hash", "--tcti", tpm().tcti]);
    expect(after.stdout).toBe(go.stdout);
  });

  it("registers over plain HTTP, twice in a row, and each time gets the configuration and a normal close", async () => {
    const url = await plainUrl("plain", {
      cloudConfig: { users: [{ name: "root" }], note: "<a&b> \u2028", rancheros: { install: { device: "/dev/sda" } } },
    });
    for (let round = 0; round < 2; round += 1) {
      // The original looks at the last element of the path only: its machines may have a slash more.
      const outcome = await register(round === 0 ? url : `${url}/`, tpm(), "--show-close");
      expect(outcome.stderr).toContain("end of session: websocket: close 1000 (normal)");
      expect(JSON.parse(outcome.stdout)).toEqual({
        users: [{ name: "root" }],
        note: "<a&b> \u2028",
        rancherd: { server: operator.httpsUrl, token: "tpm://" },
        rancheros: { install: { automatic: true, device: "/dev/sda" } },
      });
    }
    expect(await inventoriesOf(await hashOf(tpm()))).toHaveLength(1);
  });

  it("registers over TLS with our CA, and with no other", async () => {
    const { url } = await makeRegistration(target, namespace, "tls");
    expect(url).toMatch(/^https:/);
    const outcome = await register(url, tpm(), "--ca", caPath);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ rancherd: { token: "tpm://" } });
    const distrusting = await register(url, tpm());
    expect(distrusting).toMatchObject({ status: 1, stdout: "" });
    expect(distrusting.stderr).toMatch(/x509: certificate signed by unknown authority/);
  });
});

describe("the Go client", () => {
  it("becomes one inventory from each of two TPMs at once, and from many visits of both", async () => {
    const url = await plainUrl("at-once");
    const series = async (tpm: Swtpm) => {
      const outcomes = [];
      for (let visit = 0; visit < 3; visit += 1) outcomes.push(await register(url, tpm));
      return outcomes;
    };
    const outcomes = (await Promise.all([series(certified), series(bare)])).flat();
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
    for (const tpm of [certified, bare]) expect(await inventoriesOf(await hashOf(tpm))).toHaveLength(1);
  });

  it("hands over its SMBIOS as it is, and is named and labelled by it", async () => {
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "named"), withEkCertificate: false });
    try {
      const url = await plainUrl("named", {
        machineName: "node-${System Information/Serial Number}-",
        machineInventoryLabels: { vendor: "${System Information/Manufacturer}" },
      });
      expect(await register(url, tpm, "--smbios", smbiosPath)).toMatchObject({ status: 0 });
      const [inventory] = await inventoriesOf(await hashOf(tpm));
      expect(inventory?.spec["smbios"]).toEqual(smbios);
      expect(inventory?.metadata.name).toMatch(/^node-7x9-1-[a-z0-9]{5}$/);
      expect(inventory?.metadata.labels?.["vendor"]).toBe("Dell-Inc");
    } finally {
      await tpm.stop();
    }
  });

  it("is called by its SMBIOS, also where it sends none the next time", async () => {
    const url = await plainUrl("called", { cloudConfig: { hostname: "node-${System Information/Serial Number}" } });
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "called"), withEkCertificate: false });
    try {
      for (const flags of [["--smbios", smbiosPath], []]) {
        const outcome = await register(url, tpm, ...flags);
        expect(JSON.parse(outcome.stdout)).toMatchObject({ hostname: "node-7x9-1" });
      }
    } finally {
      await tpm.stop();
    }
  });

  it("brings the SMBIOS of a large server in its header", async () => {
    const large = path.join(folder, "large.json");
    const device = { Size: "32 GB", Locator: "A1", "Bank Locator": "Not Specified", Manufacturer: "00AD00B300AD" };
    const slots = Array.from({ length: 100 }, (_, index) => [`Memory Device ${index}`, device] as const);
    // 13 KiB, 17 KiB in base64: as much as dmidecode says of a machine with two processors.
    writeFileSync(large, JSON.stringify(Object.fromEntries(slots)));
    expect(await register(await plainUrl("large"), bare, "--smbios", large)).toMatchObject({
      status: 0,
      stderr: /Using/,
    });
  });

  it("is refused, with nothing made, where its SMBIOS is larger than our headers may be", async () => {
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "huge"), withEkCertificate: false });
    try {
      const huge = path.join(folder, "huge.json");
      writeFileSync(
        huge,
        JSON.stringify({ "OEM Strings": { "Strings:": Array.from({ length: 500 }, () => "x".repeat(80)) } }),
      );
      const outcome = await register(await plainUrl("huge"), tpm, "--smbios", huge);
      expect(outcome).toMatchObject({ status: 1, stdout: "" });
      expect(await inventoriesOf(await hashOf(tpm))).toEqual([]);
    } finally {
      await tpm.stop();
    }
  });

  it("receives a configuration that is larger than its buffers", async () => {
    const files = Array.from({ length: 20 }, (_, index) => ({ path: `/etc/${index}`, content: "x".repeat(2_000) }));
    const outcome = await register(await plainUrl("long", { cloudConfig: { write_files: files } }), bare);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ write_files: files });
  });

  it("shows the operator's sentence about an unknown token", async () => {
    const url = `${operator.httpUrl}/v1-rancheros/registration/nosuchtoken`;
    const outcome = await register(url, bare);
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toContain("legacy-client: MachineRegistration does not exist\n");
  });

  it("shows the operator's sentence about what is refused after the upgrade", async () => {
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "leaving"), withEkCertificate: false });
    try {
      await applyObjects(target, {
        apiVersion: "rancheros.cattle.io/v1",
        kind: "MachineInventory",
        metadata: { name: "leaving", namespace, finalizers: ["example.test/slow"] },
        spec: { tpm: await hashOf(tpm) },
      });
      await kubectl(target, ["delete", "machineinventory", "leaving", "-n", namespace, "--wait=false"]);
      const url = await plainUrl("leaving");
      const outcome = await eventually(async () => {
        const result = await register(url, tpm);
        return result.status === 1 ? result : undefined;
      }, "the operator to notice the deletion");
      expect(outcome.stderr).toMatch(/websocket: close 1013.*delet/);
      expect((await getObject(target, "machineinventory", namespace, "leaving"))?.metadata.finalizers).toBeDefined();
    } finally {
      await tpm.stop();
    }
  });
});
