/** A status with words of a newer operator, as after a helm rollback: its machine goes on, and writes over them. */
import { describe, expect, it } from "vitest";
import { protocolRefusal } from "../../../src/http/protocol-refusal.ts";
import { upgradeRefusal } from "../../../src/http/refusal.ts";
import { readInventory } from "../../../src/inventory/index.ts";
import { machineScene, PLAN } from "./machine-scene.ts";

const OLD = "cd".repeat(32);

describe("a word of the status that is not known here", () => {
  it("is written over when the machine proves itself", async () => {
    const conditions = [{ type: "Attested", status: "Perhaps" }];
    const { prove, status } = machineScene({ attestation: { class: "quantum", protocol: 3 }, conditions });
    await prove();
    expect(status()).toMatchObject({
      attestation: { class: "none", protocol: 2 },
      conditions: [
        { type: "Attested", status: "False" },
        { type: "Approved", status: "True" },
      ],
    });
  });

  it("is written over when the machine reports, and stays where it says nothing of that", async () => {
    const node = { name: "n1", uid: "n-u1", labels: { zone: "a" } };
    const stored = { ...node, ready: "soon", labels: { zone: "a", rack: 7 }, shape: "round" };
    const { report, status } = machineScene({ node: stored, attestation: { class: "quantum" } });
    const more = { ready: true, unschedulable: false, bootId: "b1", kubeletVersion: "v1" };
    await report({ node: { ...node, ...more } });
    const { bootId: bootID, ...rest } = more;
    expect(status()).toMatchObject({ attestation: { class: "quantum" } });
    expect(status()).toHaveProperty("node", { ...node, ...rest, bootID, shape: "round" });
  });

  it("is written over when the machine says how far its upgrade is, also where it is idle", async () => {
    const upgrade = { image: "os", plan: PLAN, attempt: 3, phase: "Rehearsing" };
    const going = machineScene({ upgrade });
    await going.say({});
    expect(going.status()).toMatchObject({ upgrade: { phase: "Draining" } });
    const idle = machineScene({ upgrade });
    await idle.say({ phase: "Idle", plan: undefined, image: undefined, attempt: 0 });
    expect(idle.status()).toMatchObject({ upgrade: { phase: "Idle" } });
    expect(idle.status()).not.toHaveProperty("upgrade.plan");
  });

  it("is written over in all fields where the API server takes nothing beside which it stays", async () => {
    const status = {
      attestation: { class: "quantum", protocol: 3, certificateSha256: OLD, root: "CN=Root" },
      upgrade: { image: "os", plan: PLAN, attempt: 3, phase: "Rehearsing" },
      conditions: [
        { type: "Late", status: "Perhaps" },
        { type: "Approved", status: "True" },
      ],
      agentVersion: 7,
    };
    const isStrict = { isStrict: true };
    const told = machineScene(status, {}, {}, isStrict);
    await told.say({});
    expect(told.counts().writes).toBe(1);
    expect(told.status()).toMatchObject({
      attestation: { protocol: 3, certificateSha256: OLD, root: "CN=Root" },
      upgrade: { phase: "Draining" },
      conditions: [{ type: "Approved", status: "True" }],
    });
    expect(told.status()).not.toHaveProperty("agentVersion");
    expect(told.entry().certificateSha256).toBe(OLD);

    const proved = machineScene(status, {}, {}, isStrict);
    await proved.prove({ trust: "hardware", certificateSha256: OLD });
    // Nobody knows here how far it is: its slot is held still.
    expect(proved.status()).toMatchObject({
      attestation: { class: "hardware" },
      upgrade: { ...status.upgrade, phase: "Upgrading" },
    });
  });

  it("takes nobody's configuration away", async () => {
    const { kubernetes } = machineScene({ attestation: { class: "quantum" } }, { config: { role: "server" } });
    const read = await readInventory(kubernetes, "fleet-default", "m1");
    expect(read?.spec.config).toEqual({ role: "server" });
  });

  it("binds a machine to the certificate beside it, by either protocol", async () => {
    const { entry, prove, shows, status, counts } = machineScene({
      attestation: { class: "quantum", certificateSha256: OLD },
    });
    expect(entry().certificateSha256).toBe(OLD);
    await shows(OLD);
    expect(counts()).toEqual({ reads: 0, writes: 0 });
    await expect(shows("12".repeat(32))).rejects.toMatchObject({ code: "EK_CERTIFICATE_CHANGED" });
    await expect(prove()).rejects.toMatchObject({ code: "EK_CERTIFICATE_CHANGED" });
    expect(status()).toMatchObject({ attestation: { class: "quantum", certificateSha256: OLD } });
    await prove({ trust: "hardware", certificateSha256: OLD, challenge: { issuedAtMs: 1e13, id: "1".repeat(32) } });
    expect(status()).toMatchObject({ attestation: { class: "hardware", certificateSha256: OLD } });
  });
});

describe("a spec that cannot be read", () => {
  it("is told to its machine, with the field and what to do, and nothing is written", async () => {
    const { prove, say, report, counts } = machineScene({}, { config: { labels: { rack: 7 } } });
    const error = await prove().catch((one: unknown) => one);
    expect(error).toMatchObject({
      code: "INVENTORY_UNREADABLE",
      message: expect.stringMatching(
        /cannot read MachineInventory fleet-default\/m1: \/spec\/config\/labels\/rack must be string.*; change/,
      ) as unknown,
    });
    const answer = protocolRefusal(error);
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "300" } });
    expect(answer.body).toContain("/spec/config/labels/rack must be string");
    expect(upgradeRefusal(error)).toMatchObject({
      status: 401,
      headers: { "retry-after": "300" },
      body: expect.stringContaining("/spec/config/labels/rack must be string") as unknown,
    });
    await expect(say({})).rejects.toMatchObject({ code: "INVENTORY_UNREADABLE" });
    await expect(report({})).rejects.toMatchObject({ code: "INVENTORY_UNREADABLE" });
    expect(counts().writes).toBe(0);
  });

  it("leaves nobody in by rancherd's protocol, since nobody knows to which certificate the machine is bound", async () => {
    const attestation = { class: "hardware", certificateSha256: OLD };
    const { entry, shows } = machineScene({ attestation }, { config: { labels: { rack: 7 } } });
    expect(entry().isUnreadable).toBe(true);
    for (const shown of [OLD, "12".repeat(32)]) {
      await expect(shows(shown)).rejects.toMatchObject({ code: "INVENTORY_UNREADABLE" });
    }
    expect(machineScene({ attestation }).entry()).not.toHaveProperty("isUnreadable");
  });
});
