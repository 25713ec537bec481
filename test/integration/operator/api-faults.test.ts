/** An API server that asks for patience, forgets, is slow or answers nonsense, and objects that somebody edited: it goes on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { visit } from "../../machine/visit.ts";
import { startApiProxy, type ApiProxy, type SeenRequest } from "../../operator/api-proxy.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "faults");
const folder = mkdtempSync(path.join(tmpdir(), "faults-"));
const ak = generateAttestationKey("rsa");
const RETRY_AFTER_MS = 3_000;
/** Longer than a visit waits for it. */
const BEHIND_MS = 12_000;
let proxy: ApiProxy;
let operator: OperatorProcess;
let token: string;

beforeAll(async () => {
  proxy = await startApiProxy(target, folder);
  operator = await startOperator({
    folder,
    kubeconfigPath: proxy.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    flags: ["--status-delay=1"],
  });
  ({ token } = await makeRegistration(target, namespace, "door"));
});
afterEach(() => proxy.setFault(undefined));
afterAll(async () => {
  await operator.stop();
  await proxy.stop();
  rmSync(folder, { recursive: true, force: true });
});

const isWatch = ({ path: asked }: SeenRequest): boolean => asked.includes("watch=true");
const seenSince = (from: number, which: (request: SeenRequest) => boolean): readonly SeenRequest[] =>
  proxy.seen.slice(from).filter(which);

async function comesIn(): Promise<void> {
  const tpm = createSoftwareTpm({ ak });
  const url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
  expect((await visit({ url, tpm })).close?.code).toBe(1000);
  const made = (await listInventories(target, namespace)).filter((one) => one.spec["tpm"] === tpm.ekHash);
  expect(made).toHaveLength(1);
}

describe("an API server that asks for patience", () => {
  it("is left alone for as long as it says, and then the work is done", async () => {
    const from = proxy.seen.length;
    const isStatus = ({ method, path: asked }: SeenRequest): boolean =>
      method === "PATCH" && asked.includes("/machineregistrations/patience/status");
    let refused = 0;
    proxy.setFault((request) => {
      if (!isStatus(request) || (refused += 1) > 1) return undefined;
      return { kind: "answer", status: 429, headers: { "retry-after": String(RETRY_AFTER_MS / 1_000) } };
    });
    await makeRegistration(target, namespace, "patience");
    const [first, second] = seenSince(from, isStatus);
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(RETRY_AFTER_MS);
    expect(operator.log()).toContain("KUBERNETES_BUSY");
  });
});

describe("a watch that is too old", () => {
  it("is answered 410 by the API server, and all is read anew", async () => {
    const from = proxy.seen.length;
    const expired = new Set<string>();
    proxy.setFault((request) => {
      const [resource = ""] = request.path.split("?");
      if (!isWatch(request) || expired.has(resource)) return undefined;
      expired.add(resource);
      return { kind: "rewrite", path: request.path.replace(/resourceVersion=\d+/, "resourceVersion=1") };
    });
    proxy.breakWatches();
    const lists = (): readonly SeenRequest[] =>
      seenSince(from, (one) => !isWatch(one) && one.method === "GET" && /\/machineregistrations\?/.test(one.path));
    await eventually(async () => (lists().length > 0 ? true : undefined), "the registrations are listed again");
    await makeRegistration(target, namespace, "after-410");
    await comesIn();
    expect(await operator.isReady()).toBe(true);
  });
});

describe("a watch of the machines that is behind", () => {
  it("lets in no more machines than allowed, however often they come", async () => {
    const door = await makeRegistration(target, namespace, "single", { token: { maxMachines: 1 } });
    const from = proxy.seen.length;
    const isHeld = (request: SeenRequest): boolean => isWatch(request) && /\/machineinventories\?/.test(request.path);
    proxy.setFault((request) => (isHeld(request) ? { kind: "delay", delayMs: BEHIND_MS } : undefined));
    proxy.breakWatches();
    await eventually(
      async () => (seenSince(from, isHeld).length > 0 ? true : undefined),
      "the watch of the machines is begun anew",
    );
    const untilMs = Date.now() + BEHIND_MS + 3_000;
    const url = `${operator.httpUrl}/v1-rancheros/registration/${door.token}`;
    const comes = async (): Promise<boolean> => {
      const tpm = createSoftwareTpm({ ak });
      while (Date.now() < untilMs) {
        if ((await visit({ url, tpm })).close?.code === 1000) return true;
        await sleep(500);
      }
      return false;
    };
    const cameIn = await Promise.all([comes(), comes(), comes()]);
    expect(cameIn.filter(Boolean)).toHaveLength(1);
    const label = "rancheros.cattle.io/machine-registration";
    const made = (await listInventories(target, namespace)).filter(
      ({ metadata }) => metadata.labels?.[label] === "single",
    );
    expect(made).toHaveLength(1);
  });
});

describe("an API server that is slow", () => {
  it("makes machines wait, and no more than that", async () => {
    proxy.setFault((request) => (isWatch(request) ? undefined : { kind: "delay", delayMs: 1_000 }));
    await comesIn();
    await makeRegistration(target, namespace, "slow");
    expect(await operator.isReady()).toBe(true);
  });
});

describe("something in between that answers in the API server's stead", () => {
  it("is told apart from it, and what was missed meanwhile is known afterwards", async () => {
    const page = { kind: "answer", status: 200, headers: { "content-type": "text/html" }, body: "<html>Sorry</html>" };
    proxy.setFault(() => ({ ...page, kind: "answer" }));
    proxy.breakWatches();
    await eventually(
      async () => (operator.log().includes("KUBERNETES_NONSENSE") ? true : undefined),
      "the operator notices",
    );
    await applyObjects(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineRegistration",
      metadata: { name: "missed", namespace },
      spec: {},
    });
    proxy.setFault(undefined);
    await makeRegistration(target, namespace, "missed");
    await comesIn();
  });
});

describe("objects that somebody has edited", () => {
  const urlOf = (name: string): Promise<unknown> =>
    eventually(
      async () => (await getObject(target, "mreg", namespace, name))?.status?.["registrationURL"],
      `the URL of ${name}`,
    );
  const patchStatus = async (kind: string, name: string, status: object): Promise<string> =>
    kubectl(target, [
      "patch",
      kind,
      name,
      `--namespace=${namespace}`,
      "--subresource=status",
      "--type=merge",
      `--patch=${JSON.stringify({ status })}`,
    ]);

  it("a registration's status is put right, with its condition", async () => {
    const made = await makeRegistration(target, namespace, "edited");
    const condition = { type: "Ready", status: "False", reason: "Nonsense", message: "by hand" };
    await patchStatus("mreg", "edited", {
      registrationURL: "nonsense",
      registrationToken: "x",
      conditions: [{ ...condition, lastTransitionTime: "2001-01-01T00:00:00Z" }],
    });
    await eventually(async () => {
      const status = (await getObject(target, "mreg", namespace, "edited"))?.status;
      return status?.["registrationURL"] === made.url && status["registrationToken"] === made.token ? true : undefined;
    }, "the status is as it was");
    const waited = await kubectl(target, ["wait", "mreg/edited", "-n", namespace, "--for=condition=Ready"]);
    expect(waited).toContain("condition met");
  });

  it("a rollout that never was is forgotten, and the image says what it is for", async () => {
    await applyObjects(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSImage",
      metadata: { name: "edited", namespace },
      spec: { osImage: "127.0.0.1:1/os:1", targets: [] },
    });
    const isFor = async (): Promise<true | undefined> => {
      const { state, updated, slots } = (await getObject(target, "managedosimage", namespace, "edited"))?.status ?? {};
      const none = slots === undefined || (Array.isArray(slots) && slots.length === 0);
      return state === "NoMachines" && (updated === 0 || updated === undefined) && none ? true : undefined;
    };
    await eventually(isFor, "the image has its status");
    const slot = { machine: "nobody", uid: "no-uid", cluster: "none", attempt: 7, plan: "none" };
    await patchStatus("managedosimage", "edited", {
      state: "Complete",
      updated: 99,
      slots: [{ ...slot, grantedAt: "2001-01-01T00:00:00Z" }],
    });
    await eventually(isFor, "the status is what is the case");
    const waiting = ["wait", "managedosimage/edited", "-n", namespace, "--for=condition=TargetsMatched=false"];
    expect(await kubectl(target, waiting)).toContain("condition met");
  });

  it("are changed by one field manager, whatever the version", async () => {
    const shown = await kubectl(target, [
      "get",
      "mreg",
      "edited",
      `--namespace=${namespace}`,
      "--show-managed-fields",
      "--output=jsonpath={.metadata.managedFields[?(@.subresource=='status')].manager}",
    ]);
    expect(shown.split(" ").filter((manager) => !manager.startsWith("kubectl"))).toEqual(["rancheros-operator"]);
  });

  it("are applied server-side by somebody else again and again, without a conflict, and keep what the operator wrote", async () => {
    const apply = (kind: string, name: string, labels: object, spec: object): Promise<string> =>
      kubectl(target, ["apply", "--server-side", "--field-manager=gitops", "--filename=-"], {
        input: JSON.stringify({
          apiVersion: "rancheros.cattle.io/v1",
          kind,
          metadata: { name, namespace, labels },
          spec,
        }),
      });
    const tpm = createSoftwareTpm({ ak });
    const url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
    expect((await visit({ url, tpm })).close?.code).toBe(1000);
    const machine = async () =>
      (await listInventories(target, namespace)).find(({ spec }) => spec["tpm"] === tpm.ekHash);
    const name = (await machine())?.metadata.name ?? "";
    await apply("MachineInventory", name, { site: "one" }, { config: { role: "agent" } });
    // It comes again, and the operator writes what it reports.
    expect((await visit({ url, tpm })).close?.code).toBe(1000);
    await apply("MachineInventory", name, { site: "two" }, { config: { role: "server" } });
    expect(await machine()).toMatchObject({
      metadata: { labels: { site: "two", "rancheros.cattle.io/machine-registration": "door" } },
      spec: { tpm: tpm.ekHash, config: { role: "server" } },
    });
    await apply("MachineRegistration", "applied", {}, { machineInventoryLabels: { rack: "1" } });
    const made = await urlOf("applied");
    await apply("MachineRegistration", "applied", {}, { machineInventoryLabels: { rack: "2" } });
    expect(await getObject(target, "mreg", namespace, "applied")).toMatchObject({
      spec: { machineInventoryLabels: { rack: "2" } },
      status: { registrationURL: made },
    });
  });
});
