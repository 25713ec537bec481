/** The attestation protocol against two real operators of one cluster, each request on the other one. */
import { type MachineReport } from "@rancheros/protocol/attestation";
import { describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { eventually } from "../../operator/objects.ts";
import { askMachine, report, visitAttested } from "../../machine/attested-visit.ts";
import { createSoftwareTpm } from "../../software-tpm/index.ts";
import { REPORT, useTwoReplicas } from "./two-replicas.ts";

const controlPlane = inject("controlPlane");
const { used, newTpm, next, through, inventoryOf, untilSeen } = useTwoReplicas(controlPlane, "attested");
const { namespace } = used;

describe("a machine that is let in", () => {
  it("gets its config sealed, its inventory says what was proved, and its session tells how it stands", async () => {
    const { token } = await used.makeDoor("open", {
      cloudConfig: { hostname: "node" },
      reportInterval: "5m",
    });
    const tpm = newTpm();
    const admission = await visitAttested(through(tpm, token, { report: REPORT }));
    expect(admission).toMatchObject({ approval: "Approved", trust: "none", nextAskInSeconds: 300 });
    expect(admission.config).toMatchObject({
      hostname: "node",
      rancherd: { server: "https://rancher.example.com", token: "tpm://" },
    });
    const made = await inventoryOf(tpm);
    expect(made?.metadata.uid).toBe(admission.machine.uid);
    expect(made?.metadata.labels?.["rancheros.cattle.io/trust"]).toBe("none");
    expect(made?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("2");
    expect(made?.spec["smbios"]).toEqual(REPORT.smbios);
    expect(made?.status).toMatchObject({
      attestation: { class: "none", protocol: 2 },
      addresses: REPORT.addresses,
      os: REPORT.os,
      agentVersion: "0.1.0",
      conditions: [
        { type: "Attested", status: "False", reason: "NotProved" },
        { type: "Approved", status: "True", reason: "Approved" },
      ],
    });
    const state = await askMachine(next, admission.session.token);
    expect(state).toEqual({ protocol: 2, machine: admission.machine, approval: "Approved", nextAskInSeconds: 300 });

    const before = await inventoryOf(tpm);
    await report(next, admission.session.token, REPORT);
    expect(await inventoryOf(tpm)).toEqual(before);
    await report(next, admission.session.token, { ...REPORT, agentVersion: "0.2.0" });
    expect((await inventoryOf(tpm))?.status?.["agentVersion"]).toBe("0.2.0");

    const again = await visitAttested(through(tpm, token, { purpose: { kind: "session" } }));
    expect(again.machine).toEqual(admission.machine);
    expect(again.config).toBeUndefined();
  });

  it("chooses the labels that its registration leaves to it, then and later, and no others", async () => {
    const { token } = await used.makeDoor("choosers", {
      acceptedLabels: ["rack", "site.example.com/*", "vendor"],
      machineInventoryLabels: { vendor: "${System Information/Manufacturer}" },
    });
    const tpm = newTpm();
    const wished = (rack: string): MachineReport => ({
      ...REPORT,
      labels: {
        rack,
        "site.example.com/row": "7",
        vendor: "another",
        zone: "z",
        "rancheros.cattle.io/trust": "hardware",
      },
    });
    const admission = await visitAttested(through(tpm, token, { report: wished("r1") }));
    const expected = (rack: string) => ({
      rack,
      "site.example.com/row": "7",
      vendor: "Example",
      "rancheros.cattle.io/trust": "none",
      "rancheros.cattle.io/machine-registration": "choosers",
    });
    expect((await inventoryOf(tpm))?.metadata.labels).toEqual(expected("r1"));
    const note = await eventually(async () => {
      const path = `{.items[?(@.regarding.uid=='${admission.machine.uid}')].note}`;
      const at = [`--namespace=${namespace}`, `--output=jsonpath=${path}`];
      const found = await kubectl(controlPlane, ["get", "events.events.k8s.io", ...at]);
      return found === "" ? undefined : found;
    }, "the Event");
    expect(note).toContain("its wishes for rancheros.cattle.io/trust, zone are not accepted");
    await report(next, admission.session.token, wished("r2"));
    expect((await inventoryOf(tpm))?.metadata.labels).toEqual(expected("r2"));
    await visitAttested(through(tpm, token, { report: wished("r3") }));
    expect((await inventoryOf(tpm))?.metadata.labels).toEqual(expected("r3"));
  });

  it("may have an endorsement key on P-256", async () => {
    const { token } = await used.makeDoor("other-keys");
    const onCurve = createSoftwareTpm({ ekType: "ec" });
    expect((await visitAttested(through(onCurve, token))).approval).toBe("Approved");
  });

  it("is claimed by its own endorsement key where the inventory was there before", async () => {
    const { token } = await used.makeDoor("expected");
    const tpm = newTpm();
    const object = {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { name: "made-by-hand", namespace },
      spec: { tpm: tpm.ekHash },
    };
    await applyObjects(controlPlane, object);
    await untilSeen();
    const admission = await visitAttested(through(tpm, token));
    expect(admission.machine.name).toBe("made-by-hand");
    expect((await inventoryOf(tpm))?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("2");
  });
});
