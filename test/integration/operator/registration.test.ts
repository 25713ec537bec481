import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { formatSmbiosHeader } from "@rancheros/protocol/messages";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { dial, visit } from "../../machine/visit.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "registration");
/** Of an operator that shares no Lease with the others. */
const elsewhere = useNamespace(target, "elsewhere");
const folder = mkdtempSync(path.join(tmpdir(), "registration-"));
const ak = generateAttestationKey("rsa");
const newTpm = () => createSoftwareTpm({ ak });
const smbios = { "System Information": { Manufacturer: "Dell Inc.", "Serial Number": "7X9-1" } };
let operator: OperatorProcess;
let second: OperatorProcess;

beforeAll(async () => {
  const flags = ["--status-delay=86400"];
  const options = { folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace, flags };
  operator = await startOperator(options);
  second = await startOperator({ ...options, name: "second", serverUrl: operator.httpsUrl });
});

afterAll(async () => {
  await Promise.all([operator.stop(), second.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function inventoriesOf(ekHash: string) {
  return (await listInventories(target, namespace)).filter((one) => one.spec["tpm"] === ekHash);
}

describe("MachineRegistration", () => {
  it("gets a token and an URL that both replicas agree on", async () => {
    const made = await makeRegistration(target, namespace, "agreed");
    expect(made.token).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{54}$/);
    expect(made.url).toBe(`${operator.httpsUrl}/v1-rancheros/registration/${made.token}`);
    await sleep(300);
    const status = (await getObject(target, "machineregistration", namespace, "agreed"))?.status;
    expect(status?.["registrationToken"]).toBe(made.token);
    expect(await kubectl(target, ["wait", "mreg/agreed", "-n", namespace, "--for=condition=Ready"])).toContain("met");
  });

  it("keeps its token when its status is looked at again, and gets it back from the Secret when it was taken away", async () => {
    const made = await makeRegistration(target, namespace, "again");
    await kubectl(target, ["annotate", "mreg/again", "-n", namespace, "touched=1"]);
    await sleep(200);
    const status = (await getObject(target, "machineregistration", namespace, "again"))?.status;
    expect(status?.["registrationToken"]).toBe(made.token);
    const none = '{"status":{"registrationToken":null}}';
    await kubectl(target, ["patch", "mreg/again", "-n", namespace, "--subresource=status", "--type=merge", "-p", none]);
    expect((await makeRegistration(target, namespace, "again")).token).toBe(made.token);
  });

  it("is not fought over by operators with different addresses", async () => {
    const other = await startOperator({
      folder,
      kubeconfigPath: target.kubeconfigPath,
      namespace: elsewhere,
      watchNamespace: namespace,
      serverUrl: "https://elsewhere.example",
      name: "elsewhere",
    });
    try {
      await makeRegistration(target, namespace, "contested");
      const isSaid = () => (operator.log() + second.log() + other.log()).includes("REGISTRATION_CONTESTED");
      await eventually(async () => (isSaid() ? true : undefined), "they see that they fight");
      await sleep(2_000);
      const writes = [operator, second, other].flatMap((one) => {
        const lines = one.log().split("\n");
        return lines.filter((line) => line.includes("status written") && line.includes("/contested"));
      });
      expect(writes.length).toBeGreaterThan(0);
      expect(writes.length).toBeLessThanOrEqual(6);
    } finally {
      await other.stop();
      await kubectl(target, ["delete", "mreg", "--all", "-n", namespace]);
    }
  });

  it("shows its cloud-config with our CA over TLS, and only to who knows the token", async () => {
    const made = await makeRegistration(target, namespace, "shown");
    const answer = await fetch(`${operator.httpUrl}/v1-rancheros/registration/${made.token}`);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text.startsWith("#cloud-config\nrancheros:\n    install:\n        registrationCACert: |\n")).toBe(true);
    expect(text).toContain(`        registrationURL: ${made.url}\n`);
    const wrong = await fetch(`${operator.httpUrl}/v1-rancheros/registration/${made.token.replace(/.$/, "")}`);
    expect([wrong.status, await wrong.text()]).toEqual([401, "MachineRegistration does not exist\n"]);
  });
});

describe("a machine", () => {
  it("registers over TLS with our own CA, and gets its config and a close that says all is well", async () => {
    const made = await makeRegistration(target, namespace, "tls", {
      machineName: "node-${System Information/Serial Number}-",
      machineInventoryLabels: { vendor: "${System Information/Manufacturer}" },
      cloudConfig: { users: [{ name: "root" }], rancheros: { install: { device: "/dev/sda" } } },
    });
    const caPem = await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text();
    const tpm = newTpm();
    const outcome = await visit({ url: made.url, tpm, smbios, caPem });
    expect(outcome.close).toEqual({ code: 1000, reason: "" });
    expect(JSON.parse(outcome.payload ?? "")).toEqual({
      users: [{ name: "root" }],
      rancherd: { server: operator.httpsUrl, token: "tpm://" },
      rancheros: { install: { automatic: true, device: "/dev/sda" } },
    });
    const [inventory, ...others] = await inventoriesOf(tpm.ekHash);
    expect(others).toEqual([]);
    expect(inventory?.metadata.name).toMatch(/^node-7x9-1-[a-z0-9]{5}$/);
    expect(inventory?.metadata.labels).toEqual({
      vendor: "Dell-Inc",
      "rancheros.cattle.io/machine-registration": "tls",
      "rancheros.cattle.io/trust": "none",
    });
    expect(inventory?.spec["smbios"]).toEqual(smbios);
  });

  it("may cut its SMBIOS into numbered headers, as later Go clients do", async () => {
    const made = await makeRegistration(target, namespace, "parts");
    const tpm = newTpm();
    const parts = formatSmbiosHeader(smbios).match(/.{1,40}/g) ?? [];
    const headers = Object.fromEntries(parts.map((part, index) => [`X-Cattle-Smbios-${index + 1}`, part]));
    expect(parts.length).toBeGreaterThan(2);
    const url = `${operator.httpUrl}/v1-rancheros/registration/${made.token}`;
    expect((await visit({ url, tpm, headers })).close).toEqual({ code: 1000, reason: "" });
    expect((await inventoriesOf(tpm.ekHash)).map(({ spec }) => spec["smbios"])).toEqual([smbios]);
  });

  it("is not reached by a client that trusts only public CAs", async () => {
    const made = await makeRegistration(target, namespace, "public-cas");
    await expect(dial({ url: made.url, tpm: newTpm() })).rejects.toThrow(/certificate|signature|issuer/);
  });

  it("that comes again is known: nothing is written", async () => {
    const made = await makeRegistration(target, namespace, "again-machine");
    const url = `${operator.httpUrl}/v1-rancheros/registration/${made.token}`;
    const tpm = newTpm();
    await visit({ url, tpm, smbios });
    const before = await inventoriesOf(tpm.ekHash);
    const outcome = await visit({ url, tpm, smbios: {} });
    expect(outcome.close?.code).toBe(1000);
    expect(await inventoriesOf(tpm.ekHash)).toEqual(before);
  });

  it("that dials many times at once, at two replicas, with different SMBIOS, becomes one inventory", async () => {
    const made = await makeRegistration(target, namespace, "race");
    for (let round = 0; round < 5; round += 1) {
      const tpm = newTpm();
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const replica = index % 2 === 0 ? operator : second;
          const serial = { "System Information": { "Serial Number": `s${index % 3}` } };
          return visit({ url: `${replica.httpUrl}/v1-rancheros/registration/${made.token}`, tpm, smbios: serial });
        }),
      );
      const bad = outcomes.filter((outcome) => outcome.close?.code !== 1000);
      // Who asks while a loser is being taken away is told to come back, and then is let in.
      expect(bad.filter((outcome) => outcome.close?.code !== 1013)).toEqual([]);
      expect(bad.length).toBeLessThan(outcomes.length);
      expect(await inventoriesOf(tpm.ekHash)).toHaveLength(1);
      const again = await visit({ url: `${second.httpUrl}/v1-rancheros/registration/${made.token}`, tpm, smbios });
      expect(again.close?.code).toBe(1000);
    }
  });

  it("registers beside fifty others, each gets one inventory", async () => {
    const made = await makeRegistration(target, namespace, "crowd");
    const tpms = Array.from({ length: 50 }, newTpm);
    const outcomes = await Promise.all(
      tpms.map(async (tpm, index) => {
        const replica = index % 2 === 0 ? operator : second;
        return visit({ url: `${replica.httpUrl}/v1-rancheros/registration/${made.token}`, tpm, smbios });
      }),
    );
    expect(outcomes.filter((outcome) => outcome.close?.code !== 1000)).toEqual([]);
    const all = await listInventories(target, namespace);
    for (const tpm of tpms) expect(all.filter((one) => one.spec["tpm"] === tpm.ekHash)).toHaveLength(1);
  });

  it("claims the inventory that was made for it by hand, under either name of the field", async () => {
    const made = await makeRegistration(target, namespace, "by-hand");
    for (const field of ["tpm", "tpmHash"]) {
      const tpm = newTpm();
      const name = `by-hand-${field.toLowerCase()}`;
      await kubectl(target, ["apply", "-f", "-"], {
        input: JSON.stringify({
          apiVersion: "rancheros.cattle.io/v1",
          kind: "MachineInventory",
          metadata: { name, namespace },
          spec: { [field]: tpm.ekHash },
        }),
      });
      const url = `${operator.httpUrl}/v1-rancheros/registration/${made.token}`;
      expect((await visit({ url, tpm, smbios })).close?.code).toBe(1000);
      const all = await listInventories(target, namespace);
      const own = all.filter((one) => one.spec["tpm"] === tpm.ekHash || one.spec["tpmHash"] === tpm.ekHash);
      expect(own.map((one) => one.metadata.name)).toEqual([name]);
      expect(own[0]?.spec["smbios"]).toBeUndefined();
    }
  });
});

describe("secrets", () => {
  it("stand in no log line: no token, no config, no answer", async () => {
    const made = await makeRegistration(target, namespace, "quiet", { cloudConfig: { canary: "canary-4711" } });
    const url = `${operator.httpUrl}/v1-rancheros/registration/${made.token}`;
    expect((await visit({ url, tpm: newTpm(), smbios })).payload).toContain("canary-4711");
    const opened = await dial({ url, tpm: newTpm() });
    if (opened.kind === "opened") {
      await opened.next();
      opened.socket.send('{"Secret":"canary-4712"}');
      expect((await opened.closed()).code).toBe(1008);
    }
    const log = operator.log() + second.log();
    expect(log).toContain('"registration":');
    for (const secret of [made.token, "canary-4711", "canary-4712", "Bearer"]) expect(log).not.toContain(secret);
  });
});
