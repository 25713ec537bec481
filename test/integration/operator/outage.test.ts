/** The API server is killed, hangs, and comes back: machines get an answer they can retry, the operator recovers by itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { answerOf, dial, visit } from "../../machine/visit.ts";
import { eventually, listInventories, makeRegistration } from "../../operator/objects.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "outage-"));
const namespace = "outage";
const ak = generateAttestationKey("rsa");
const newTpm = () => createSoftwareTpm({ ak });
let controlPlane: ControlPlane;
let operator: OperatorProcess;
let url: string;

beforeAll(async () => {
  controlPlane = await startControlPlane({ folder, binariesFolder });
  await applyCrds(controlPlane);
  await createNamespace(controlPlane, namespace);
  operator = await startOperator({
    folder,
    kubeconfigPath: controlPlane.kubeconfigPath,
    namespace,
    mayBeForbidden: true,
  });
  const { token } = await makeRegistration(controlPlane, namespace, "door");
  url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
});

afterAll(async () => {
  await operator.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function comesIn(): Promise<void> {
  const tpm = newTpm();
  await eventually(
    async () => ((await visit({ url, tpm })).close?.code === 1000 ? true : undefined),
    "a machine comes in",
  );
  const made = (await listInventories(controlPlane, namespace)).filter((one) => one.spec["tpm"] === tpm.ekHash);
  expect(made).toHaveLength(1);
}

describe("while the API server is away", () => {
  it("a machine in the middle of its challenge is told to come back, and comes in afterwards", async () => {
    const tpm = newTpm();
    const session = await dial({ url, tpm });
    if (session.kind !== "opened") throw new Error(session.body);
    const challenge = await session.next();
    await controlPlane.killApiServer();
    if (Buffer.isBuffer(challenge)) session.socket.send(answerOf(tpm, challenge));
    expect(await session.closed()).toEqual({
      code: 1013,
      reason: "the operator cannot reach its API server, try again",
    });
    const later = await visit({ url, tpm });
    expect(later.close?.code).toBe(1013);
    expect(await operator.isReady()).toBe(true);
    await controlPlane.startApiServer();
    await comesIn();
    expect((await visit({ url, tpm })).close?.code).toBe(1000);
  });

  it("one that hangs costs a machine no more than its session, and nothing is made twice", async () => {
    const tpm = newTpm();
    await controlPlane.pauseApiServer();
    const outcome = await visit({ url, tpm });
    expect(outcome.close?.code).toBe(1013);
    controlPlane.resumeApiServer();
    await eventually(async () => ((await visit({ url, tpm })).close?.code === 1000 ? true : undefined), "it comes in");
    const made = (await listInventories(controlPlane, namespace)).filter((one) => one.spec["tpm"] === tpm.ekHash);
    expect(made).toHaveLength(1);
  });

  it("what was made and deleted meanwhile is known afterwards", async () => {
    await controlPlane.killApiServer();
    await controlPlane.startApiServer();
    const { token } = await makeRegistration(controlPlane, namespace, "second-door");
    expect(token).toHaveLength(54);
    await comesIn();
  });

  it("and etcd has forgotten what it heard last, it reads all anew, and knows what was made and deleted meanwhile", async () => {
    const lists = async (): Promise<number> =>
      (await readSamples(operator.healthUrl))
        .filter(({ name, labels }) => name === "rancheros_kubernetes_requests_total" && labels["verb"] === "list")
        .reduce((sum, { value }) => sum + value, 0);
    const registrations = `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/machineregistrations`;
    await comesIn();
    const goingDoor = await makeRegistration(controlPlane, namespace, "going-door");
    const [machine] = await listInventories(controlPlane, namespace);
    const list = JSON.parse(await kubectl(controlPlane, ["get", "--raw", registrations])) as {
      readonly metadata: { readonly resourceVersion: string };
    };
    const before = await lists();
    process.kill(operator.pid, "SIGSTOP");
    try {
      await kubectl(controlPlane, ["delete", "mreg", "going-door", "-n", namespace]);
      await kubectl(controlPlane, ["delete", "minv", machine?.metadata.name ?? "", "-n", namespace]);
      await kubectl(controlPlane, ["create", "configmap", "more", "-n", namespace]);
      await controlPlane.killApiServer();
      expect(await controlPlane.compactEtcd()).toBeGreaterThan(Number(list.metadata.resourceVersion));
      await controlPlane.startApiServer();
    } finally {
      process.kill(operator.pid, "SIGCONT");
    }
    const old = `${registrations}?watch=true&timeoutSeconds=2&resourceVersion=${list.metadata.resourceVersion}`;
    const told = await kubectl(controlPlane, ["get", "--raw", old]).catch((error: unknown) => String(error));
    expect(told).toMatch(/too old resource version|has been compacted/);
    const door = `${operator.httpUrl}/v1-rancheros/registration/${goingDoor.token}`;
    await eventually(
      async () => ([200, 503].includes((await fetch(door)).status) ? undefined : true),
      "the door is gone",
      40_000,
    );
    await eventually(async () => {
      const [known] = (await readSamples(operator.healthUrl)).filter(({ name }) => name === "rancheros_inventories");
      return known?.value === (await listInventories(controlPlane, namespace)).length ? true : undefined;
    }, "the machine is gone");
    expect(await lists()).toBeGreaterThan(before);
    await comesIn();
    expect(await operator.isReady()).toBe(true);
  });

  it("an operator that starts without one becomes ready when it comes", async () => {
    await controlPlane.killApiServer();
    const late = await startOperator({
      folder,
      kubeconfigPath: controlPlane.kubeconfigPath,
      namespace,
      name: "late",
      mayBeForbidden: true,
      waitReady: false,
    });
    try {
      await eventually(async () => (late.log().includes("KUBERNETES_UNREACHABLE") ? true : undefined), "it notices");
      expect(await late.isReady()).toBe(false);
      await controlPlane.startApiServer();
      await late.waitReady();
      expect((await fetch(`${late.httpUrl}/v1-rancheros/cacerts`)).status).toBe(200);
    } finally {
      await late.stop();
    }
  });

  it("one that has heard nothing of it for too long lets nobody in", async () => {
    const strict = await startOperator({
      folder,
      kubeconfigPath: controlPlane.kubeconfigPath,
      namespace,
      name: "strict",
      mayBeForbidden: true,
      flags: ["--stale-after=5"],
    });
    try {
      const { token } = await makeRegistration(controlPlane, namespace, "strict-door");
      const door = `${strict.httpUrl}/v1-rancheros/registration/${token}`;
      await eventually(async () => ((await fetch(door)).status === 200 ? true : undefined), "the door is there");
      await controlPlane.killApiServer();
      await eventually(async () => ((await strict.isReady()) ? undefined : true), "it is not ready any more");
      const answer = await fetch(door);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "10"]);
    } finally {
      await strict.stop();
      await controlPlane.startApiServer();
    }
  });
});
