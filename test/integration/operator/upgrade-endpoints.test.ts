/** GET plan and PUT status against two real operators of one cluster, each request on the other one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { EMPTY_REPORT, openSessionSeal, readSealedAnswer } from "@rancheros/protocol/attestation";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { askMachine, channelAt, refusalOf, report, send, visitAttested } from "../../machine/attested-visit.ts";
import { askPlan, tellStatus, type Session } from "../../machine/upgrading-machine.ts";
import { eventually, listInventories, makeRegistration, type AnyObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, type SoftwareTpm } from "../../software-tpm/index.ts";

const controlPlane = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "upgrade-endpoints-"));
const namespace = "upgrade-endpoints";
const operators: OperatorProcess[] = [];
const tpm = createSoftwareTpm();
let turn = 0;
let session: Session;
let visit: (tpm: SoftwareTpm) => ReturnType<typeof visitAttested>;

function next(): string {
  turn += 1;
  return operators[turn % operators.length]?.httpUrl ?? "";
}

async function inventory(): Promise<AnyObject | undefined> {
  return (await listInventories(controlPlane, namespace))[0];
}

async function resourceVersion(): Promise<string> {
  return String(Reflect.get(Object((await inventory())?.metadata), "resourceVersion"));
}

const WORD: UpgradeStatus = {
  protocol: 2,
  plan: "cd".repeat(32),
  image: "some-image",
  attempt: 1,
  phase: "Draining",
  digest: undefined,
  reason: "DRAIN_BLOCKED",
  message: "waits for PodDisruptionBudget shop/web",
  bootId: "b1",
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
      flags: [],
    });
  operators.push(...(await Promise.all([start("one"), start("two")])));
  const channel = await channelAt(operators[0]?.httpsUrl ?? "");
  const { token } = await makeRegistration(controlPlane, namespace, "all");
  visit = (tpm) => visitAttested({ next, tpm, channel, purpose: { kind: "registration", token } });
  session = (await visit(tpm)).session;
});

afterAll(async () => {
  await Promise.all(operators.map((one) => one.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe("a machine with a session", () => {
  it("is told why there is no plan, sealed for it alone, and only once while nothing changes", async () => {
    const { answer, etag } = await askPlan(next, session);
    expect(answer?.plan).toBeUndefined();
    expect(answer?.waiting?.reason).toBe("NoImage");
    const again = await askPlan(next, session, etag);
    expect(again.answer).toBeUndefined();
    expect(again.retryAfterSeconds).toBeGreaterThan(0);
    const raw = await send(next(), "plan", undefined, { method: "GET", token: session.token });
    expect(raw.body.toString()).not.toContain("NoImage");
    const { sealed } = readSealedAnswer(raw.body);
    expect(() => openSessionSeal(sealed, "plan", Buffer.alloc(32))).toThrow();
  });

  it("says how far it is, and kubectl shows it", async () => {
    await tellStatus(next, session, WORD);
    const found = await inventory();
    expect(found?.status?.["upgrade"]).toMatchObject({
      phase: "Draining",
      image: "some-image",
      message: "waits for PodDisruptionBudget shop/web",
    });
    const shown = await kubectl(controlPlane, ["get", "minv", "-n", namespace, "-o", "wide"]);
    expect(shown).toContain("Draining");
    expect(shown).toContain("waits for PodDisruptionBudget shop/web");
  });

  it("writes once for what it says a hundred times", async () => {
    const before = await resourceVersion();
    await Promise.all(Array.from({ length: 100 }, () => tellStatus(next, session, WORD)));
    expect(await resourceVersion()).toBe(before);
  });

  it("reports its node, whose labels go again when the node loses them", async () => {
    const node = { name: "n1", uid: "x", ready: true, unschedulable: false, bootId: "b1", kubeletVersion: "v1.37.2" };
    await report(next, session.token, { ...EMPTY_REPORT, node: { ...node, labels: { zone: "a", disk: "ssd" } } });
    expect((await inventory())?.status?.["node"]).toMatchObject({ name: "n1", labels: { zone: "a", disk: "ssd" } });
    await report(next, session.token, { ...EMPTY_REPORT, node: { ...node, labels: { zone: "b" } } });
    expect((await inventory())?.status?.["node"]).toHaveProperty("labels", { zone: "b" });
  });

  it("is refused where a field is wrong or the method is another one", async () => {
    const put = (body: string): Promise<{ readonly status: number; readonly body: Buffer }> =>
      send(next(), "status", Buffer.from(body), { method: "PUT", token: session.token });
    const bad = await put(JSON.stringify({ ...WORD, phase: "Flying" }));
    expect(bad.status).toBe(400);
    expect(bad.body.toString()).toContain("PROTOCOL_FIELDS");
    expect((await send(next(), "plan", Buffer.from("{}"), { token: session.token })).status).toBe(405);
    expect(await refusalOf(askPlan(next, { ...session, token: "abc.def" }))).toBe("401 SESSION_INVALID");
    expect(await refusalOf(tellStatus(next, { ...session, token: `${session.token}x` }, WORD))).toBe(
      "401 SESSION_INVALID",
    );
  });

  it("has not more written than honest machines do, however much it says, and is heard again later", async () => {
    const one = operators[0]?.httpUrl ?? "";
    const tell = (attempt: number) =>
      refusalOf(tellStatus(() => one, session, { ...WORD, attempt })).catch(() => "taken");
    // All at once: one after the other they would be as slow as the machine is busy, and the count would recover.
    const told = await Promise.all(Array.from({ length: 200 }, () => tell(2)));
    expect(new Set(told)).toEqual(new Set(["taken", "429 SESSION_RATE"]));
    // Half of a minute's words at most have come back meanwhile.
    expect(told.filter((word) => word === "taken").length).toBeLessThanOrEqual(180);
    const reports = Array.from({ length: 20 }, () => report(() => one, session.token, EMPTY_REPORT));
    const reported = await Promise.all(reports.map((one) => refusalOf(one).catch(() => "taken")));
    expect(reported).toContain("429 SESSION_RATE");
    // What is asked has a count of its own.
    await askPlan(() => one, session);
    await eventually(async () => ((await tell(300)) === "taken" ? true : undefined), "it may speak again");
    expect((await inventory())?.status?.["upgrade"]).toMatchObject({ attempt: 300 });
  });

  it("hears nothing of any plan when it was denied", async () => {
    const name = (await inventory())?.metadata.name ?? "";
    const patch = JSON.stringify({ spec: { approval: "Denied" } });
    await kubectl(controlPlane, ["patch", "minv", name, `--namespace=${namespace}`, "--type=merge", "-p", patch]);
    for (const { httpUrl } of operators) {
      const ended = await eventually(async () => {
        const told = await refusalOf(askPlan(() => httpUrl, session)).catch(() => "still told");
        return told === "still told" ? undefined : told;
      }, "the end of the session");
      expect(ended).toBe("403 MACHINE_DENIED");
    }
  });
});

describe("a machine that asks without end", () => {
  it("is told to come later, for its plan as for how it stands, may speak, and is served again", async () => {
    const one = operators[0]?.httpUrl ?? "";
    const { session: greedy } = await visit(createSoftwareTpm());
    const ask = () => refusalOf(askPlan(() => one, greedy)).catch(() => "told");
    const asked = await Promise.all(Array.from({ length: 500 }, ask));
    expect(new Set(asked)).toEqual(new Set(["told", "429 SESSION_RATE"]));
    const stood = await Promise.all(
      Array.from({ length: 50 }, () => refusalOf(askMachine(() => one, greedy.token)).catch(() => "told")),
    );
    expect(stood).toContain("429 SESSION_RATE");
    await tellStatus(() => one, greedy, WORD);
    await eventually(async () => ((await ask()) === "told" ? true : undefined), "it may ask again");
  });
});
