/** A release where others are or were: the original operator, a second release, Rancher. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, inject, it } from "vitest";
import {
  parseMachineInventory,
  parseMachineRegistration,
  parseManagedOSImage,
  parseManagedOSVersion,
  parseManagedOSVersionChannel,
  type Parsed,
} from "@rancheros/protocol/resources";
import { elementalCrd, elementalCrdName } from "../../chart/elemental-crds.ts";
import { CHART } from "../../chart/helm.ts";
import { originalCrds, originalObjects } from "../../chart/original-crds.ts";
import { startReleasedOperator } from "../../chart/start-released-operator.ts";
import { CRD_NAMES, NAMESPACE, RELEASE, useReleaseCluster } from "../../chart/use-release-cluster.ts";
import { kubectl, kubectlApply, kubectlJson } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { pageCommands, runCommands } from "../../control-plane/page-commands.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";

const HOME = "fleet-default";
const URL_VALUE = "--set=serverURL=https://rancher.example.com";
/** As an operator that is gone left it. */
const FINALIZER = '{"metadata":{"finalizers":["wrangler.cattle.io/machine-inventory-remove"]}}';
const cluster = useReleaseCluster(inject("controlPlane").binariesFolder, [HOME]);

describe("where the original operator has made its CRDs", () => {
  it("the chart is refused with their names, and nothing is changed", async () => {
    await kubectlApply(cluster.controlPlane, ...originalCrds());
    await kubectl(cluster.controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    await kubectlApply(cluster.controlPlane, ...originalObjects(HOME));
    const spec = await cluster.crdSpec("managedosimages");
    await expect(cluster.install({ values: [URL_VALUE] })).rejects.toThrow(
      /CustomResourceDefinition "\w+\.rancheros\.cattle\.io".* exists and cannot be imported into the current release/,
    );
    expect(await cluster.crdSpec("managedosimages")).toBe(spec);
    expect((await cluster.contents()).filter((one) => one.includes("rancheros-operator/"))).toEqual([]);
    await cluster.run("-n", NAMESPACE, "uninstall", RELEASE, "--ignore-not-found");
  });

  it("they are taken over when that is asked for; the objects stay, and are read", async () => {
    await cluster.install({ values: [URL_VALUE, "--take-ownership", "--force-conflicts"] });
    expect(await cluster.crdSpec("managedosimages")).toContain(
      "osImage is missing: name the image that nodes are to run",
    );
    const read = async (kind: string, name: string, parse: (object: unknown) => Parsed<unknown>): Promise<unknown> => {
      const object = await getObject(cluster.controlPlane, kind, HOME, name);
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
    await kubectlApply(cluster.controlPlane, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { name: "new-machine", namespace: HOME },
      spec: { tpm: "a".repeat(64) },
    });
    const specOf = async (name: string) => (await getObject(cluster.controlPlane, "minv", HOME, name))?.spec;
    expect(await specOf("new-machine")).toHaveProperty("tpm");
    await kubectlApply(cluster.controlPlane, ...originalCrds());
    await eventually(async () => ("tpm" in ((await specOf("new-machine")) ?? {}) ? undefined : true), "their CRD");
    expect(await specOf("old-machine")).toMatchObject({ tpmHash: "d68795c6192af9922692f050b" });
    await cluster.run("-n", NAMESPACE, "uninstall", RELEASE);
    await kubectl(cluster.controlPlane, ["delete", "minv,mreg,mosi,mosv,mosvc", "--all", `--namespace=${HOME}`]);
    await kubectl(cluster.controlPlane, ["delete", "crds", "--all"]);
  });
});

describe("a release beside others", () => {
  it("keeps a second one out, by the name of the first; one for a single namespace lives beside it", async () => {
    await cluster.install({ values: [URL_VALUE] });
    const second = ["-n", "second", "install", "--create-namespace", "another", CHART, URL_VALUE];
    await expect(cluster.run(...second)).rejects.toThrow(
      new RegExp(
        `exists and cannot be imported.*"meta.helm.sh/release-name" must equal "another": current value is "${RELEASE}"`,
      ),
    );
    await cluster.run("-n", "second", "uninstall", "another", "--ignore-not-found");
    await createNamespace(cluster.controlPlane, "team-a");
    await cluster.run(...second, "--set=crds.enabled=false", "--set=watchNamespace=team-a");
    await cluster.run("-n", "second", "uninstall", "another");
    expect(await cluster.crdSpec("managedosimages")).toContain('"suspend":{');
    expect((await getObject(cluster.controlPlane, "deployment", NAMESPACE, RELEASE))?.metadata.name).toBe(RELEASE);
    await kubectl(cluster.controlPlane, ["delete", "namespace", "second", "team-a"]);
  });
});

describe("a release beside Elemental's operator", () => {
  const kinds = ["MachineInventory", "MachineRegistration", "ManagedOSImage"];
  const elementals = (object: string): readonly string[] => [
    `${object}.elemental.cattle.io`,
    "m-1",
    `--namespace=${HOME}`,
  ];
  const ours = (name: string) => getObject(cluster.controlPlane, "minv", HOME, name);
  const runPage = (page: string, words: string): Promise<string> =>
    runCommands(cluster.controlPlane, pageCommands(page, words), {
      folder: cluster.folder,
      environment: { NAMESPACE, FLEET: HOME },
    });

  it("takes its machines over by the page's commands, and they are reset no more", async () => {
    await kubectlApply(cluster.controlPlane, ...kinds.map(elementalCrd));
    await kubectl(cluster.controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    await kubectlApply(cluster.controlPlane, {
      apiVersion: "elemental.cattle.io/v1beta1",
      kind: "MachineInventory",
      metadata: {
        name: "m-1",
        namespace: HOME,
        labels: { rack: "7" },
        annotations: { "elemental.cattle.io/resettable": "true", "example.com/kept": "yes" },
        finalizers: ["machineinventory.elemental.cattle.io"],
      },
      spec: { tpmHash: "ab".repeat(32) },
    });
    // What a long name means where both are: why the pages say it otherwise.
    expect(await kubectl(cluster.controlPlane, ["get", "machineinventories", "-A", "-o", "name"])).toContain(
      "machineinventory.elemental.cattle.io/m-1",
    );
    await runPage("migrate-from-elemental.md", "machines.json");
    expect(await ours("m-1")).toMatchObject({ metadata: { labels: { rack: "7" } }, spec: { tpm: "ab".repeat(32) } });
    await runPage("migrate-from-elemental.md", "resettable-");
    const { metadata } = (await kubectlJson(cluster.controlPlane, ["get", ...elementals("machineinventories")])) as {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
    };
    expect(metadata.annotations["elemental.cattle.io/resettable"]).toBeUndefined();
    expect(metadata.annotations["example.com/kept"]).toBe("yes");
  });

  it("is backed up, migrated and cleared by commands that leave Elemental's objects alone", async () => {
    await runPage("operations.md", '> "objects-$FLEET.json.new"');
    await runPage("migrate-from-rancheros-operator.md", "before.yaml");
    for (const file of [`objects-${HOME}.json`, "before.yaml"]) {
      const saved = readFileSync(path.join(cluster.folder, file), "utf8");
      expect(saved).toMatch(/"?name"?: "?m-1/);
      expect(saved).not.toContain("apiVersion: elemental");
      expect(saved).not.toContain('"apiVersion": "elemental');
    }
    await kubectl(cluster.controlPlane, [
      "patch",
      "minv",
      "m-1",
      `--namespace=${HOME}`,
      "--type=merge",
      "-p",
      FINALIZER,
    ]);
    await runPage("operations.md", '"finalizers":null');
    expect((await ours("m-1"))?.metadata.finalizers).toBeUndefined();
    await runPage("migrate-from-rancheros-operator.md", ".spec.tpm)");
    expect((await ours("m-1"))?.spec).toEqual({ tpmHash: "ab".repeat(32) });
    expect(await kubectlJson(cluster.controlPlane, ["get", ...elementals("machineinventories")])).toMatchObject({
      metadata: { finalizers: ["machineinventory.elemental.cattle.io"] },
      spec: { tpmHash: "ab".repeat(32) },
    });
    await kubectl(cluster.controlPlane, ["delete", "minv", "m-1", `--namespace=${HOME}`]);
    const nothing = '{"metadata":{"finalizers":null}}';
    await kubectl(cluster.controlPlane, ["patch", ...elementals("machineinventories"), "--type=merge", "-p", nothing]);
    await kubectl(cluster.controlPlane, ["delete", "crds", ...kinds.map(elementalCrdName)]);
  });
});

describe("a release whose machines are in clusters of Rancher", () => {
  it("gives them tokens, and is uninstalled while they are there", async () => {
    await kubectlApply(cluster.controlPlane, ...rancherCrds());
    await kubectl(cluster.controlPlane, ["wait", "--for=condition=Established", "crds", "--all", "--timeout=30s"]);
    await createNamespace(cluster.controlPlane, "c-m-abc");
    await kubectlApply(
      cluster.controlPlane,
      rancherObject("Cluster", HOME, "edge", { spec: {}, status: { clusterName: "c-m-abc" } }),
      ...["one", "two"].map((name) => ({
        apiVersion: "rancheros.cattle.io/v1",
        kind: "MachineInventory",
        metadata: { name, namespace: HOME },
        spec: { clusterName: "edge" },
      })),
    );
    const operator = await startReleasedOperator(cluster.controlPlane, cluster.folder, "last");
    for (const name of ["one", "two"]) {
      await eventually(
        async () =>
          (await getObject(cluster.controlPlane, "minv", HOME, name))?.status?.["clusterRegistrationTokenName"],
        `the token of ${name}`,
      );
    }
    await operator.stop();
    expect(await cluster.run("-n", NAMESPACE, "uninstall", RELEASE)).toContain("uninstalled");
  });

  it.each([
    ["a machine", ["minv/one", `--namespace=${HOME}`]],
    ["the namespaces", [`namespace/${HOME}`, `namespace/${NAMESPACE}`]],
    ["the CRDs", CRD_NAMES.map((name) => `crd/${name}`)],
    // As docs/operations.md says.
    ["its tokens", ["clusterregistrationtokens", "-A", "-l", "rancheros.cattle.io/machine-inventory-uid"]],
  ])("and then holds nothing up: %s can be deleted", async (_what, objects) => {
    // kubectl waits until they are gone.
    const said = await kubectl(cluster.controlPlane, ["delete", ...objects, "--timeout=50s"], { timeoutMs: 55_000 });
    expect(said).toContain("deleted");
  });
});
