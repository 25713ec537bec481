/** A release from its first day to its last on a real API server with its controllers: install, rollout, upgrade, rollback, uninstall. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { CHART } from "../../chart/helm.ts";
import { startReleaseSite, type ReleaseSite } from "../../chart/release-site.ts";
import { CRD_NAMES, NAMESPACE, RELEASE, useReleaseCluster } from "../../chart/use-release-cluster.ts";
import { kubectl, kubectlApply, kubectlJson } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import {
  eventually,
  getObject,
  listInventories,
  makeRegistration,
  type AnyObject,
  type MadeRegistration,
} from "../../operator/objects.ts";
import { releaseText, type WholeMachine } from "../../whole-machine/index.ts";

/** Its images are for the nodes of the operator's own cluster. */
const LOCAL = "fleet-local";
/** The garbage collector sees kinds that have come since it began, and looks for them every 30 s. Source: kube-controller-manager, app/core.go, newGarbageCollectorController (syncPeriod) */
const COLLECTED_MS = 45_000;
/** A deadline for what hangs: the agent restarts its machine, and the node settles. */
const ROLLOUT_MS = 90_000;
const cluster = useReleaseCluster(inject("controlPlane").binariesFolder, [LOCAL]);

describe("a release", () => {
  let site: ReleaseSite;
  /** There is none where it did not come up, which is then the reason that counts. */
  let stopSite: () => Promise<void> = async () => undefined;
  let door: MadeRegistration;
  let ca: unknown;
  let machine: WholeMachine;
  let waiting: { readonly osImage: string; readonly digest: string };
  let held: ManagedOSImageStatus;
  const imageStatus = async (): Promise<ManagedOSImageStatus> =>
    (await getObject(cluster.controlPlane, "mosi", LOCAL, "os"))?.status ?? {};
  const inventory = async (): Promise<AnyObject | undefined> => (await listInventories(cluster.controlPlane, LOCAL))[0];

  const values = () => [`--set=serverURL=${site.url}`, `--set=registries.insecure={${site.registry}}`];

  /** Whatever helm does to the release: what machines were given stays. */
  async function expectKept(): Promise<void> {
    expect((await cluster.secret("rancheros-operator-tls")).data).toEqual(ca);
    expect((await getObject(cluster.controlPlane, "mreg", LOCAL, "door"))?.status).toMatchObject({
      registrationToken: door.token,
      registrationURL: door.url,
    });
    expect(await listInventories(cluster.controlPlane, LOCAL)).toHaveLength(1);
  }

  beforeAll(async () => {
    site = await startReleaseSite(cluster);
    stopSite = () => site.stop();
  });
  afterAll(() => stopSite());

  it("of the previous chart is installed, and its operator works with the rights of its ServiceAccount", async () => {
    await createNamespace(cluster.controlPlane, NAMESPACE);
    await kubectl(cluster.controlPlane, [
      "label",
      "namespace",
      NAMESPACE,
      "pod-security.kubernetes.io/enforce=restricted",
    ]);
    const said = await cluster.install({ chart: cluster.previousChart, values: values() });
    expect(said).toContain(`kubectl -n ${NAMESPACE} rollout status deployment/rancheros-operator`);
    expect(said).toContain(`Machines are told to come to ${site.url}`);
    expect(said).toContain("kind: MachineRegistration");
    await kubectl(cluster.controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    await site.rollOut();
    door = await makeRegistration(cluster.controlPlane, LOCAL, "door");
    expect(door.url).toBe(`${site.url}/v1-rancheros/registration/${door.token}`);
    ca = (await cluster.secret("rancheros-operator-tls")).data;
    expect(Object.keys(ca as object).toSorted()).toEqual(["ca.crt", "ca.key", "tls.crt", "tls.key"]);
  });

  it("lets a machine register through it", async () => {
    machine = await site.registerMachine(door.url);
    const [made, ...more] = await listInventories(cluster.controlPlane, LOCAL);
    expect(made?.spec["tpm"]).toMatch(/^[0-9a-f]{64}$/);
    expect(more).toEqual([]);
  });

  it("makes as many pods as asked, where only restricted ones may be, and a budget that counts them", async () => {
    const pods = async (): Promise<readonly string[]> =>
      (await kubectl(cluster.controlPlane, ["get", "pods", `--namespace=${NAMESPACE}`, "-o", "name"]))
        .trim()
        .split("\n");
    await eventually(async () => ((await pods()).length === 2 ? true : undefined), "two pods");
    await eventually(async () => {
      const budget = await getObject(cluster.controlPlane, "pdb", NAMESPACE, RELEASE);
      return budget?.status?.["expectedPods"] === 2 ? true : undefined;
    }, "the budget");
    expect(await pods()).toHaveLength(2);
    const [pod = ""] = await pods();
    const made = await kubectlJson(cluster.controlPlane, ["get", pod, `--namespace=${NAMESPACE}`]);
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

  it("begins a rollout: the machine is granted a slot, and its upgrade container runs", async () => {
    waiting = await site.pushWaiting("v2.0.0");
    await kubectlApply(cluster.controlPlane, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSImage",
      metadata: { name: "os", namespace: LOCAL },
      spec: { osImage: waiting.osImage, concurrency: 1 },
    });
    machine.startAgent();
    await eventually(
      async () => {
        const upgrade = (await inventory())?.status?.["upgrade"] as { readonly phase?: string } | undefined;
        return upgrade?.phase === "Upgrading" ? true : undefined;
      },
      "the machine upgrades",
      ROLLOUT_MS,
    );
    held = await imageStatus();
    expect(held).toMatchObject({ total: 1, updated: 0, updating: 1, digest: waiting.digest });
    expect(held.slots).toMatchObject([{ machine: (await inventory())?.metadata.name, plan: held.plan }]);
  });

  it("is upgraded in the midst of it, the CRDs too; objects, tokens, the CA and the machine's slot stay", async () => {
    expect(await cluster.crdSpec("managedosimages")).not.toContain('"suspend":{');
    await cluster.run("-n", NAMESPACE, "upgrade", RELEASE, CHART, "--reset-then-reuse-values");
    expect(await cluster.crdSpec("managedosimages")).toContain('"suspend":{');
    const role = JSON.stringify(await kubectlJson(cluster.controlPlane, ["get", "clusterrole", `${RELEASE}-watched`]));
    expect(role).toContain("provisioning.cattle.io");
    await site.rollOut();
    await expectKept();
    const { slots, digest, plan } = held;
    expect(await imageStatus()).toMatchObject({ slots, digest, plan, updating: 1 });
    expect((await inventory())?.status?.["upgrade"]).toMatchObject({ phase: "Upgrading" });
  });

  it("brings the rollout to its end with the operator of the new chart", { timeout: ROLLOUT_MS }, async () => {
    site.goOn(machine);
    const wait = ["wait", "--for=condition=Complete", "managedosimage/os", `--namespace=${LOCAL}`];
    await kubectl(cluster.controlPlane, [...wait, "--timeout=80s"], { timeoutMs: 85_000 });
    const { digest } = waiting;
    expect(await imageStatus()).toMatchObject({
      state: "Complete",
      total: 1,
      updated: 1,
      updating: 0,
      failed: 0,
      digest,
    });
    expect((await imageStatus()).slots ?? []).toEqual([]);
    // The grant from before the upgrade, carried out once.
    const attempt = held.slots?.[0]?.attempt;
    expect((await inventory())?.status?.["upgrade"]).toMatchObject({ phase: "Succeeded", digest, attempt });
    expect([machine.reboots, machine.root.release]).toEqual([1, releaseText("v2.0.0")]);
  });

  it("is rolled back, the CRDs with it; objects, tokens, the CA and what was rolled out stay", async () => {
    const { slots: _slots, ...done } = await imageStatus();
    await cluster.run("-n", NAMESPACE, "rollback", RELEASE);
    expect(await cluster.crdSpec("managedosimages")).not.toContain('"suspend":{');
    await expectKept();
    expect(await imageStatus()).toMatchObject(done);
    expect((await cluster.secret("rancheros-operator-tls")).metadata.labels).toMatchObject({
      "app.kubernetes.io/managed-by": "Helm",
    });
    await cluster.run("-n", NAMESPACE, "upgrade", RELEASE, CHART, "--reset-then-reuse-values");
  });

  it("that is uninstalled leaves the CRDs and the objects, and nothing else", async () => {
    await site.stopOperator();
    const lease = () => getObject(cluster.controlPlane, "lease", NAMESPACE, "rancheros-operator");
    expect((await lease())?.metadata.name).toBe("rancheros-operator");
    await cluster.run("-n", NAMESPACE, "uninstall", RELEASE);
    const ofNamespace = [`ConfigMap ${NAMESPACE}/kube-root-ca.crt`, `ServiceAccount ${NAMESPACE}/default`];
    const left = await cluster.untilContents((all) => !all.some((one) => /^(Pod|ReplicaSet|Deployment) /.test(one)));
    expect(left.filter((one) => !ofNamespace.includes(one))).toEqual(
      [
        ...CRD_NAMES.map((name) => `CustomResourceDefinition <none>/${name}`),
        `MachineInventory ${LOCAL}/${(await inventory())?.metadata.name ?? ""}`,
        `MachineRegistration ${LOCAL}/door`,
        `ManagedOSImage ${LOCAL}/os`,
        `Namespace <none>/${NAMESPACE}`,
        `Node <none>/${machine.node}`,
        // It belongs to the registration, and goes with it.
        `Secret ${LOCAL}/registration-door`,
      ].toSorted(),
    );
    // Of which everybody has some: they are not looked at among all objects.
    expect(await lease()).toBeUndefined();
  });

  it("comes back to what it left without being asked whom that belongs to", async () => {
    await cluster.install({ values: [...values(), "--set=tls.keepOnUninstall=true"] });
    expect((await getObject(cluster.controlPlane, "mreg", LOCAL, "door"))?.status?.["registrationToken"]).toBe(
      door.token,
    );
    await cluster.run("-n", NAMESPACE, "uninstall", RELEASE);
    const left = await cluster.contents();
    for (const name of ["rancheros-operator-tls", "rancheros-session-keys"]) {
      expect(left).toContain(`Secret ${NAMESPACE}/${name}`);
    }
    await cluster.install({ values: values() });
    await kubectl(cluster.controlPlane, ["delete", "mreg", "door", `--namespace=${LOCAL}`]);
    await cluster.untilContents((all) => !all.includes(`Secret ${LOCAL}/registration-door`), COLLECTED_MS);
    expect(await cluster.contents()).not.toContain(`Secret ${LOCAL}/registration-door`);
  });
});
