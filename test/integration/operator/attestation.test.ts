/** The attestation protocol against two real operators of one cluster, each request on the other one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  EMPTY_REPORT,
  REQUEST_MAX_BYTES,
  writeNonceRequest,
  type MachineReport,
} from "@rancheros/protocol/attestation";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kubectl, kubectlApply } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import {
  answer,
  askMachine,
  askNonce,
  attest,
  channelAt,
  refusalOf,
  report,
  send,
  solve,
  visitAttested,
  type AttestedVisit,
} from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, listInventories, makeRegistration, type AnyObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey, type SoftwareTpm } from "../../software-tpm/index.ts";

const controlPlane = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "attestation-"));
const namespace = "attested";
const ak = generateAttestationKey("rsa");
const newTpm = (): SoftwareTpm => createSoftwareTpm({ ak });
const operators: OperatorProcess[] = [];
let channel: Buffer;
let turn = 0;

/** Each request goes to the other replica. */
function next(): string {
  turn += 1;
  return operators[turn % operators.length]?.httpUrl ?? "";
}

const first = (): string => operators[0]?.httpUrl ?? "";
const second = (): string => operators[1]?.httpUrl ?? "";

function through(tpm: SoftwareTpm, token: string, more: Partial<AttestedVisit> = {}): AttestedVisit {
  return { next, tpm, channel, purpose: { kind: "registration", token }, ...more };
}

async function inventoryOf(tpm: SoftwareTpm): Promise<AnyObject | undefined> {
  const all = (await listInventories(controlPlane, namespace)).filter((one) => one.spec["tpm"] === tpm.ekHash);
  expect(all.length).toBeLessThan(2);
  return all[0];
}

async function setApproval(name: string, approval: string): Promise<void> {
  const patch = JSON.stringify({ spec: { approval } });
  await kubectl(controlPlane, ["patch", "minv", name, `--namespace=${namespace}`, "--type=merge", "-p", patch]);
}

const REPORT: MachineReport = {
  ...EMPTY_REPORT,
  smbios: { "System Information": { Manufacturer: "Example", "Serial Number": "A1" } },
  addresses: [{ type: "InternalIP", address: "192.0.2.7" }],
  os: { name: "RancherOS", version: "2.0", image: "example/os:2.0" },
  agentVersion: "0.1.0",
};

beforeAll(async () => {
  await createNamespace(controlPlane, namespace);
  const start = (name: string): Promise<OperatorProcess> =>
    startOperator({
      folder,
      kubeconfigPath: controlPlane.kubeconfigPath,
      namespace,
      watchNamespace: namespace,
      name,
      serverUrl: "https://rancher.example.com",
      flags: ["--log-level=debug"],
    });
  operators.push(...(await Promise.all([start("one"), start("two")])));
  channel = await channelAt(operators[0]?.httpsUrl ?? "");
});

afterAll(async () => {
  await Promise.all(operators.map((one) => one.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe("a machine that is let in", () => {
  it("gets its config sealed, its inventory says what was proved, and its session tells how it stands", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "open", {
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
    const { token } = await makeRegistration(controlPlane, namespace, "choosers", {
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
    await report(next, admission.session.token, wished("r2"));
    expect((await inventoryOf(tpm))?.metadata.labels).toEqual(expected("r2"));
    await visitAttested(through(tpm, token, { report: wished("r3") }));
    expect((await inventoryOf(tpm))?.metadata.labels).toEqual(expected("r3"));
  });

  it("may have an endorsement key on P-256", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "other-keys");
    const onCurve = createSoftwareTpm({ ak, ekType: "ec" });
    expect((await visitAttested(through(onCurve, token))).approval).toBe("Approved");
  });

  it("is claimed by its own endorsement key where the inventory was there before", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "expected");
    const tpm = newTpm();
    const object = {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { name: "made-by-hand", namespace },
      spec: { tpm: tpm.ekHash },
    };
    await kubectlApply(controlPlane, object);
    await sleep(300);
    const admission = await visitAttested(through(tpm, token));
    expect(admission.machine.name).toBe("made-by-hand");
    expect((await inventoryOf(tpm))?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("2");
  });
});

describe("approval by a person", () => {
  it("a new machine waits, is approved by one line, and gets its config then", async () => {
    const { token, url } = await makeRegistration(controlPlane, namespace, "manual", {
      attestation: { approval: "manual" },
    });
    const tpm = newTpm();
    const waiting = await visitAttested(through(tpm, token));
    expect(waiting).toMatchObject({ approval: "Pending", config: undefined });
    expect(waiting.nextAskInSeconds).toBeGreaterThanOrEqual(3);
    expect(waiting.nextAskInSeconds).toBeLessThanOrEqual(5);
    expect((await inventoryOf(tpm))?.spec["approval"]).toBe("Pending");
    expect((await askMachine(next, waiting.session.token)).approval).toBe("Pending");
    await setApproval(waiting.machine.name, "Approved");
    await eventually(
      async () => ((await askMachine(next, waiting.session.token)).approval === "Approved" ? true : undefined),
      "the session shows the approval",
    );
    const admitted = await visitAttested(through(tpm, token));
    expect(admitted.machine).toEqual(waiting.machine);
    expect(admitted.config).toBeDefined();

    const legacy = newTpm();
    const path = new URL(url).pathname;
    const made = await visit({ url: `${first()}${path}`, tpm: legacy });
    expect(made.payload).toBeUndefined();
    expect(made.close?.code).toBe(1013);
    expect(made.close?.reason).toContain("waits for approval: kubectl");
    const inventory = await inventoryOf(legacy);
    expect(inventory?.spec["approval"]).toBe("Pending");
    const asked = await eventually(async () => {
      const outcome = await visit({ url: `${first()}${path}`, tpm: legacy });
      return outcome.status === 401 ? outcome : undefined;
    }, "the sentence before the challenge");
    expect(asked.text).toContain(`minv ${inventory?.metadata.name ?? ""}`);
    await setApproval(inventory?.metadata.name ?? "", "Approved");
    await eventually(
      async () => ((await visit({ url: `${first()}${path}`, tpm: legacy })).payload === undefined ? undefined : true),
      "the legacy machine comes in",
    );
  });

  it("a denied machine gets nothing, and its session ends at once", async () => {
    const { token, url } = await makeRegistration(controlPlane, namespace, "denying");
    const tpm = newTpm();
    const { machine, session } = await visitAttested(through(tpm, token));
    await setApproval(machine.name, "Denied");
    await eventually(
      async () => ((await refusalOf(askMachine(first, session.token)).catch(() => "")) !== "" ? true : undefined),
      "the denial is seen",
    );
    await sleep(200);
    expect(await refusalOf(askMachine(next, session.token))).toBe("403 MACHINE_DENIED");
    expect(await refusalOf(report(next, session.token, REPORT))).toBe("403 MACHINE_DENIED");
    expect(await refusalOf(visitAttested(through(tpm, token)))).toBe("403 MACHINE_DENIED");
    expect(await refusalOf(visitAttested(through(tpm, token, { purpose: { kind: "session" } })))).toBe(
      "403 MACHINE_DENIED",
    );
    const legacy = await visit({ url: `${second()}${new URL(url).pathname}`, tpm });
    expect(legacy.status).toBe(401);
  });

  it("a deleted machine's session ends at once, and it may register anew", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "deleting");
    const tpm = newTpm();
    const { machine, session } = await visitAttested(through(tpm, token));
    await kubectl(controlPlane, ["delete", "minv", machine.name, `--namespace=${namespace}`]);
    await sleep(500);
    expect(await refusalOf(askMachine(first, session.token))).toBe("401 SESSION_INVALID");
    expect(await refusalOf(askMachine(second, session.token))).toBe("401 SESSION_INVALID");
    const anew = await visitAttested(through(tpm, token));
    expect(anew.machine.uid).not.toBe(machine.uid);
    expect(await refusalOf(askMachine(next, session.token))).toBe("401 SESSION_INVALID");
  });
});

describe("what is refused", () => {
  it("an answer that was used: on the same replica, on the other one, and for a machine that is known", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "replayed");
    for (const round of ["new", "known"]) {
      const machine = through(newTpm(), token);
      if (round === "known") await visitAttested(machine);
      const solved = solve(machine, await attest(machine, await askNonce(next)));
      const older = solve(machine, await attest(machine, await askNonce(next)));
      await answer(first, solved);
      expect(await refusalOf(answer(first, solved))).toBe("403 CHALLENGE_USED");
      expect(await refusalOf(answer(second, solved))).toBe("403 CHALLENGE_USED");
      await answer(second, older);
      expect(await refusalOf(answer(first, older))).toBe("403 CHALLENGE_USED");
      await inventoryOf(machine.tpm);
    }
  });

  it("an answer of before the machine was deleted, at the replica that has not seen it", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "forgotten");
    const machine = through(newTpm(), token);
    const solved = solve(machine, await attest(machine, await askNonce(next)));
    const { machine: made } = await answer(first, solved);
    await kubectl(controlPlane, ["delete", "minv", made.name, `--namespace=${namespace}`]);
    await sleep(500);
    expect(await refusalOf(answer(second, solved))).toBe("403 CHALLENGE_USED");
    expect(await inventoryOf(machine.tpm)).toBeUndefined();
    expect((await visitAttested(machine)).machine.uid).not.toBe(made.uid);
  });

  it("one answer that arrives at both replicas at once makes one machine and is taken once", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "raced");
    const machine = through(newTpm(), token);
    const solved = solve(machine, await attest(machine, await askNonce(next)));
    const outcomes = await Promise.allSettled([answer(first, solved), answer(second, solved)]);
    expect(outcomes.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    expect(await inventoryOf(machine.tpm)).toBeDefined();
  });

  it("another channel, another nonce, another secret, a changed report, another purpose", async () => {
    const { token } = await makeRegistration(controlPlane, namespace, "strict");
    const machine = through(newTpm(), token, { report: REPORT });
    const elsewhere = { ...machine, channel: Buffer.alloc(32, 7) };
    expect(await refusalOf(visitAttested(elsewhere))).toBe("403 CHANNEL_MISMATCH");
    const plain = { ...machine, channel: Buffer.alloc(32) };
    expect(await refusalOf(visitAttested(plain))).toBe("403 CHANNEL_MISMATCH");
    const nonce = await askNonce(next);
    // What a man in the middle would do: say the server's channel beside an attestation over his own.
    const lying = attest(elsewhere, nonce, (honest) => ({ ...honest, channel }));
    expect(await refusalOf(lying)).toBe("403 AK_QUALIFYING_DATA");
    const foreign = Buffer.from(nonce);
    foreign[20] = (foreign[20] ?? 0) ^ 1;
    expect(await refusalOf(attest(machine, foreign))).toBe("403 NONCE_INVALID");
    expect(await refusalOf(attest({ ...machine, purpose: { kind: "session" } }, nonce))).toBe("403 MACHINE_UNKNOWN");
    const stranger = { ...machine, purpose: { kind: "registration", token: "x".repeat(54) } } as const;
    expect(await refusalOf(attest(stranger, nonce))).toBe("403 REGISTRATION_UNKNOWN");
    const solved = solve(machine, await attest(machine, nonce));
    expect(await refusalOf(answer(next, { ...solved, proof: Buffer.alloc(32) }))).toBe("403 PROOF_WRONG");
    const changed = Buffer.from(solved.report.toString().replace("192.0.2.7", "192.0.2.8"));
    expect(await refusalOf(answer(next, { ...solved, report: changed }))).toBe("403 PROOF_WRONG");
    const state = Buffer.from(solved.state);
    state[30] = (state[30] ?? 0) ^ 1;
    expect(await refusalOf(answer(next, { ...solved, state }))).toBe("403 STATE_INVALID");
    expect(await inventoryOf(machine.tpm)).toBeUndefined();
    expect((await answer(next, solved)).approval).toBe("Approved");
  });

  it("requests that are none of the protocol", async () => {
    const statusOf = async (...args: Parameters<typeof send>): Promise<number> => (await send(...args)).status;
    const honest = writeNonceRequest({ protocol: 2 });
    expect(await statusOf(first(), "nonce", honest)).toBe(200);
    expect(await statusOf(first(), "nonce", Buffer.from("{"))).toBe(400);
    expect(await statusOf(first(), "nonce", writeNonceRequest({ protocol: 1 }))).toBe(400);
    expect(await statusOf(first(), "nonce", writeNonceRequest({ protocol: 9 }))).toBe(200);
    expect(await statusOf(first(), "machine", undefined, { method: "GET" })).toBe(401);
    expect(await statusOf(first(), "machine", undefined, { method: "GET", token: "a.b" })).toBe(401);
    expect(await statusOf(first(), "elsewhere", honest)).toBe(404);
    expect(await statusOf(first(), "nonce", honest, { method: "PUT" })).toBe(405);
    expect(await statusOf(first(), "nonce", Buffer.alloc(REQUEST_MAX_BYTES + 1, 32))).toBe(413);
    expect(await statusOf(first(), "nonce", honest, { contentType: "text/plain" })).toBe(415);
  });

  it("the legacy protocol where the registration says so, and for a machine that has used ours", async () => {
    const refusing = await makeRegistration(controlPlane, namespace, "no-legacy", {
      attestation: { legacyProtocol: "refuse" },
    });
    const open = await makeRegistration(controlPlane, namespace, "legacy");
    const legacy = (tpm: SoftwareTpm, url: string) => visit({ url: `${first()}${new URL(url).pathname}`, tpm });
    const tpm = newTpm();
    const refused = await legacy(tpm, refusing.url);
    expect(refused.status).toBe(401);
    expect(refused.text).toContain("use ros-agent");
    expect(await inventoryOf(tpm)).toBeUndefined();
    expect((await legacy(tpm, open.url)).close?.code).toBe(1000);
    expect((await inventoryOf(tpm))?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("1");
    await visitAttested(through(tpm, open.token));
    expect((await inventoryOf(tpm))?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("2");
    const later = await eventually(async () => {
      const outcome = await legacy(tpm, open.url);
      return outcome.status === 401 ? outcome : undefined;
    }, "the downgrade is refused");
    expect(later.text).toContain("has used the attestation protocol before");
  });

  it("nothing secret is logged", () => {
    const logs = operators.map((one) => one.log()).join("");
    expect(logs).toContain("CHALLENGE_USED");
    expect(logs).not.toContain("192.0.2.7");
    expect(logs).not.toMatch(/eyJ2Ijox/);
  });
});
