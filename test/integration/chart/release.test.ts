/** A release from its first day to its last on a real API server with its controllers: install, upgrade, rollback, uninstall. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import {
  parseMachineInventory,
  parseMachineRegistration,
  parseManagedOSImage,
  parseManagedOSVersion,
  parseManagedOSVersionChannel,
  type Parsed,
} from "@rancheros/protocol/resources";
import { clusterContents } from "../../chart/cluster-contents.ts";
import { CHART, helm } from "../../chart/helm.ts";
import { writeAccountKubeconfig } from "../../chart/operator-login.ts";
import { originalCrds, originalObjects } from "../../chart/original-crds.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { kubectl, kubectlApply, kubectlJson } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { createSoftwareTpm } from "../../software-tpm/index.ts";

const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "release-"));
const previousChart = path.join(folder, "previous");
const NAMESPACE = "cattle-rancheros-operator-system";
const RELEASE = "rancheros-operator";
const HOME = "fleet-default";
const URL_VALUE = "--set=serverURL=https://rancher.example.com";
const CRD_NAMES = [
  "machineinventories",
  "machineregistrations",
  "managedosimages",
  "managedosversionchannels",
  "managedosversions",
].map((plural) => `${plural}.rancheros.cattle.io`);
const CRDS = CRD_NAMES.map((name) => `CustomResourceDefinition <none>/${name}`);
// Its own: the CRDs of the shared one belong to nobody.
let controlPlane: ControlPlane;
let before: readonly string[];
let operator: OperatorProcess | undefined;

const run = (...args: readonly string[]): Promise<string> =>
  helm(args, { kubeconfigPath: controlPlane.kubeconfigPath });
/** As the document installs it. */
const install = (...more: readonly string[]): Promise<string> =>
  run("-n", NAMESPACE, "install", "--create-namespace", RELEASE, CHART, ...more);

/** The chart as it was: an older version, a field of a schema and a column fewer, a rule fewer. */
function makePreviousChart(): void {
  cpSync(CHART, previousChart, { recursive: true });
  const change = (name: string, from: RegExp, to: string): void => {
    const file = path.join(previousChart, name);
    const text = readFileSync(file, "utf8");
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`${name} has no ${String(from)} any more`);
    writeFileSync(file, changed);
  };
  change("Chart.yaml", /^version: .*\nappVersion: .*$/m, "version: 0.0.9\nappVersion: 0.0.9");
  change("files/crds.yaml", / {16}suspend:\n(?: {18}.*\n)+/, "");
  change("templates/rbac.yaml", /^ {2}# telemetry[^]*?verbs: \[create, patch\]\n/m, "");
}

async function contentsSince(): Promise<readonly string[]> {
  const now = await clusterContents(controlPlane);
  return now.filter((one) => !before.includes(one));
}

/** Pods of a Deployment that is gone go a moment later. */
/** The garbage collector begins anew after a CRD was changed, and looks for that every 30 s. Source: kube-controller-manager, app/core.go, newGarbageCollectorController (syncPeriod) */
const COLLECTED_MS = 45_000;

async function untilContents(
  isSo: (contents: readonly string[]) => boolean,
  deadlineMs?: number,
): Promise<readonly string[]> {
  let last: readonly string[] = [];
  return eventually(
    async () => {
      last = await contentsSince();
      return isSo(last) ? last : undefined;
    },
    "what is left in the cluster",
    deadlineMs,
  ).catch(() => last);
}

async function crdSpec(plural: string): Promise<string> {
  const crd = await kubectlJson(controlPlane, ["get", "crd", `${plural}.rancheros.cattle.io`]);
  return JSON.stringify((crd as { readonly spec: object }).spec);
}

async function secretOf(name: string): Promise<string> {
  return JSON.stringify(
    await kubectlJson(controlPlane, ["get", "secret", name, `--namespace=${NAMESPACE}`, "-o=json"]),
  );
}

async function tlsData(): Promise<unknown> {
  const secret = JSON.parse(await secretOf("rancheros-operator-tls")) as { readonly data?: unknown };
  return secret.data;
}

beforeAll(async () => {
  const plane = path.join(folder, "plane");
  // As in people's clusters.
  controlPlane = await startControlPlane({ folder: plane, binariesFolder, admitsServiceAccounts: true });
  await controlPlane.startControllerManager();
  await createNamespace(controlPlane, HOME);
  makePreviousChart();
  await eventually(async () => {
    before = await clusterContents(controlPlane);
    return before.some((one) => one === `ServiceAccount ${HOME}/default`) ? true : undefined;
  }, "what every namespace has");
});

afterAll(async () => {
  await operator?.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("where the original operator has made its CRDs", () => {
  it("the chart is refused with their names, and nothing is changed", async () => {
    await kubectlApply(controlPlane, ...originalCrds());
    await kubectl(controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    await kubectlApply(controlPlane, ...originalObjects(HOME));
    const spec = await crdSpec("managedosimages");
    await expect(install(URL_VALUE)).rejects.toThrow(
      /CustomResourceDefinition "\w+\.rancheros\.cattle\.io".* exists and cannot be imported into the current release/,
    );
    expect(await crdSpec("managedosimages")).toBe(spec);
    expect((await contentsSince()).filter((one) => one.includes("rancheros-operator/"))).toEqual([]);
    await run("-n", NAMESPACE, "uninstall", RELEASE, "--ignore-not-found");
  });

  it("they are taken over when that is asked for; the objects stay, and are read", async () => {
    await install(URL_VALUE, "--take-ownership", "--force-conflicts");
    expect(await crdSpec("managedosimages")).toContain("osImage is missing: name the image that nodes are to run");
    const read = async (kind: string, name: string, parse: (object: unknown) => Parsed<unknown>): Promise<unknown> => {
      const object = await getObject(controlPlane, kind, HOME, name);
      expect(parse(object)).toMatchObject({ ok: true });
      return object?.spec;
    };
    expect(await read("minv", "old-machine", parseMachineInventory)).toMatchObject({
      tpmHash: "d68795c6192af9922692f050b",
      smbios: { "System Information": { Manufacturer: "QEMU" } },
    });
    expect(await read("mreg", "old-door", parseMachineRegistration)).toMatchObject({
      cloudConfig: { users: [{ name: "root" }] },
    });
    expect(await read("mosi", "old-image", parseManagedOSImage)).toMatchObject({
      clusterTargets: [{ clusterName: "c1" }],
      drain: { timeout: 300_000_000_000 },
    });
    // Without a version that can be compared: kept, and said to be of no use.
    expect(await read("mosv", "old-version", parseManagedOSVersion)).toMatchObject({ version: "latest" });
    expect(await read("mosvc", "old-channel", parseManagedOSVersionChannel)).toMatchObject({
      options: { uri: "https://example.com/versions.json" },
    });
  });

  it("they show nothing of the hash of a machine that came meanwhile when the original brings its own again", async () => {
    await kubectlApply(controlPlane, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { name: "new-machine", namespace: HOME },
      spec: { tpm: "a".repeat(64) },
    });
    const specOf = async (name: string) => (await getObject(controlPlane, "minv", HOME, name))?.spec;
    expect(await specOf("new-machine")).toHaveProperty("tpm");
    await kubectlApply(controlPlane, ...originalCrds());
    await eventually(async () => ("tpm" in ((await specOf("new-machine")) ?? {}) ? undefined : true), "their CRD");
    expect(await specOf("old-machine")).toMatchObject({ tpmHash: "d68795c6192af9922692f050b" });
    await run("-n", NAMESPACE, "uninstall", RELEASE);
    await kubectl(controlPlane, ["delete", "minv,mreg,mosi,mosv,mosvc", "--all", `--namespace=${HOME}`]);
    await kubectl(controlPlane, ["delete", "crds", "--all"]);
  });
});

describe("a release", () => {
  let door: { readonly token: string };
  let ca: unknown;

  it("of the previous chart is installed, and its operator works with the rights of its ServiceAccount", async () => {
    await createNamespace(controlPlane, NAMESPACE);
    await kubectl(controlPlane, ["label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted"]);
    const said = await run("-n", NAMESPACE, "install", "--create-namespace", RELEASE, previousChart, URL_VALUE);
    expect(said).toContain(`kubectl -n ${NAMESPACE} rollout status deployment/rancheros-operator`);
    expect(said).toContain("Machines are told to come to https://rancher.example.com");
    expect(said).toContain("kind: MachineRegistration");
    await kubectl(controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    const kubeconfigPath = await writeAccountKubeconfig(folder, controlPlane.kubeconfigPath, {
      namespace: NAMESPACE,
      name: RELEASE,
    });
    operator = await startOperator({
      folder,
      kubeconfigPath,
      rights: "given",
      namespace: NAMESPACE,
      serverUrl: "https://rancher.example.com",
    });
    door = await makeRegistration(controlPlane, HOME, "door");
    const url = `${operator.httpUrl}/v1-rancheros/registration/${door.token}`;
    expect((await visit({ url, tpm: createSoftwareTpm() })).close?.code).toBe(1000);
    expect(await listInventories(controlPlane, HOME)).toHaveLength(1);
    ca = await tlsData();
    expect(Object.keys(ca as object).toSorted()).toEqual(["ca.crt", "ca.key", "tls.crt", "tls.key"]);
  });

  it("makes as many pods as asked, where only restricted ones may be, and a budget that counts them", async () => {
    const pods = async (): Promise<readonly string[]> =>
      (await kubectl(controlPlane, ["get", "pods", `--namespace=${NAMESPACE}`, "-o", "name"])).trim().split("\n");
    await eventually(async () => ((await pods()).length === 2 ? true : undefined), "two pods");
    await eventually(async () => {
      const budget = await getObject(controlPlane, "pdb", NAMESPACE, RELEASE);
      return budget?.status?.["expectedPods"] === 2 ? true : undefined;
    }, "the budget");
    expect(await pods()).toHaveLength(2);
    const [pod = ""] = await pods();
    const made = await kubectlJson(controlPlane, ["get", pod, `--namespace=${NAMESPACE}`]);
    // What the operator logs in with.
    expect(made).toMatchObject({
      spec: {
        serviceAccountName: RELEASE,
        volumes: [
          {
            projected: {
              sources: expect.arrayContaining([{ serviceAccountToken: expect.anything() as unknown }]) as unknown,
            },
          },
        ],
        containers: [
          { volumeMounts: [{ mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true }] },
        ],
      },
    });
  });

  it("is upgraded, the CRDs with it; objects, tokens and the CA stay", async () => {
    expect(await crdSpec("managedosimages")).not.toContain('"suspend":{');
    await run("-n", NAMESPACE, "upgrade", RELEASE, CHART, "--reset-then-reuse-values");
    expect(await crdSpec("managedosimages")).toContain('"suspend":{');
    const role = JSON.stringify(await kubectlJson(controlPlane, ["get", "clusterrole", `${RELEASE}-watched`]));
    expect(role).toContain("events.k8s.io");
    expect(await tlsData()).toEqual(ca);
    expect((await getObject(controlPlane, "mreg", HOME, "door"))?.status?.["registrationToken"]).toBe(door.token);
    expect(await listInventories(controlPlane, HOME)).toHaveLength(1);
  });

  it("is rolled back, the CRDs with it; objects, tokens and the CA stay", async () => {
    await run("-n", NAMESPACE, "rollback", RELEASE);
    expect(await crdSpec("managedosimages")).not.toContain('"suspend":{');
    expect(await tlsData()).toEqual(ca);
    expect(await secretOf("rancheros-operator-tls")).toContain('"app.kubernetes.io/managed-by":"Helm"');
    expect((await getObject(controlPlane, "mreg", HOME, "door"))?.status?.["registrationToken"]).toBe(door.token);
    expect(await listInventories(controlPlane, HOME)).toHaveLength(1);
    await run("-n", NAMESPACE, "upgrade", RELEASE, CHART, "--reset-then-reuse-values");
  });

  it("keeps a second one out, by the name of the first; one for a single namespace lives beside it", async () => {
    const second = ["-n", "second", "install", "--create-namespace", "another", CHART, URL_VALUE];
    await expect(run(...second)).rejects.toThrow(
      new RegExp(
        `exists and cannot be imported.*"meta.helm.sh/release-name" must equal "another": current value is "${RELEASE}"`,
      ),
    );
    await run("-n", "second", "uninstall", "another", "--ignore-not-found");
    await createNamespace(controlPlane, "team-a");
    await run(...second, "--set=crds.enabled=false", "--set=watchNamespace=team-a");
    await run("-n", "second", "uninstall", "another");
    expect(await crdSpec("managedosimages")).toContain('"suspend":{');
    expect((await getObject(controlPlane, "deployment", NAMESPACE, RELEASE))?.metadata.name).toBe(RELEASE);
    await kubectl(controlPlane, ["delete", "namespace", "second", "team-a"]);
  });

  it("that is uninstalled leaves the CRDs and the objects, and nothing else", async () => {
    await operator?.stop();
    operator = undefined;
    await run("-n", NAMESPACE, "uninstall", RELEASE);
    const ofNamespace = [`ConfigMap ${NAMESPACE}/kube-root-ca.crt`, `ServiceAccount ${NAMESPACE}/default`];
    const left = await untilContents((all) => !all.some((one) => /^(Pod|ReplicaSet|Deployment) /.test(one)));
    const [machine] = await listInventories(controlPlane, HOME);
    expect(left.filter((one) => !ofNamespace.includes(one))).toEqual(
      [
        ...CRDS,
        `MachineInventory ${HOME}/${machine?.metadata.name ?? ""}`,
        `MachineRegistration ${HOME}/door`,
        `Namespace <none>/${NAMESPACE}`,
        // It belongs to the registration, and goes with it.
        `Secret ${HOME}/registration-door`,
      ].toSorted(),
    );
  });

  it("comes back to what it left without being asked whom that belongs to", async () => {
    await install(URL_VALUE, "--set=tls.keepOnUninstall=true");
    expect((await getObject(controlPlane, "mreg", HOME, "door"))?.status?.["registrationToken"]).toBe(door.token);
    await run("-n", NAMESPACE, "uninstall", RELEASE);
    const left = await contentsSince();
    for (const name of ["rancheros-operator-tls", "rancheros-session-keys"]) {
      expect(left).toContain(`Secret ${NAMESPACE}/${name}`);
    }
    await install(URL_VALUE);
    await kubectl(controlPlane, ["delete", "mreg", "door", `--namespace=${HOME}`]);
    await untilContents((all) => !all.includes(`Secret ${HOME}/registration-door`), COLLECTED_MS);
    expect(await contentsSince()).not.toContain(`Secret ${HOME}/registration-door`);
  });
});

describe("a release whose machines are in clusters of Rancher", () => {
  it("gives them tokens, and is uninstalled while they are there", async () => {
    await run("-n", NAMESPACE, "upgrade", "--install", "--create-namespace", RELEASE, CHART, URL_VALUE);
    await kubectlApply(controlPlane, ...rancherCrds());
    await kubectl(controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    await createNamespace(controlPlane, "c-m-abc");
    await kubectlApply(
      controlPlane,
      rancherObject("Cluster", HOME, "edge", { spec: {}, status: { clusterName: "c-m-abc" } }),
      ...["one", "two"].map((name) => ({
        apiVersion: "rancheros.cattle.io/v1",
        kind: "MachineInventory",
        metadata: { name, namespace: HOME },
        spec: { clusterName: "edge" },
      })),
    );
    const account = { namespace: NAMESPACE, name: RELEASE };
    const kubeconfigPath = await writeAccountKubeconfig(folder, controlPlane.kubeconfigPath, account);
    const serverUrl = "https://rancher.example.com";
    const given = { folder, name: "last", kubeconfigPath, rights: "given", namespace: NAMESPACE, serverUrl } as const;
    operator = await startOperator(given);
    for (const name of ["one", "two"]) {
      await eventually(
        async () => (await getObject(controlPlane, "minv", HOME, name))?.status?.["clusterRegistrationTokenName"],
        `the token of ${name}`,
      );
    }
    await operator.stop();
    operator = undefined;
    expect(await run("-n", NAMESPACE, "uninstall", RELEASE)).toContain("uninstalled");
  });

  it.each([
    ["a machine", ["minv/one", `--namespace=${HOME}`]],
    ["the namespaces", [`namespace/${HOME}`, `namespace/${NAMESPACE}`]],
    ["the CRDs", CRD_NAMES.map((name) => `crd/${name}`)],
    // As docs/operations.md says.
    ["its tokens", ["clusterregistrationtokens", "-A", "-l", "rancheros.cattle.io/machine-inventory-uid"]],
  ])("and then holds nothing up: %s can be deleted", async (_what, objects) => {
    // kubectl waits until they are gone.
    const said = await kubectl(controlPlane, ["delete", ...objects, "--timeout=50s"], { timeoutMs: 55_000 });
    expect(said).toContain("deleted");
  });
});
