/** The commands of the pages on migration, run as they stand there against a real API server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kubectl, kubectlApply, kubectlJson } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { pageCommands, runCommands } from "../../control-plane/page-commands.ts";
import { getObject } from "../../operator/objects.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "migration");
const folder = mkdtempSync(path.join(tmpdir(), "migration-"));
const HASH = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In this test's namespace only: others have theirs on the same API server. */
async function run(commands: string): Promise<string> {
  return runCommands(target, commands.replaceAll(" -A ", ` -n ${namespace} `), { folder });
}

describe("from the original operator", () => {
  it("its finalizer is taken off, and no other", async () => {
    const metadata = { namespace, finalizers: ["wrangler.cattle.io/machine-inventory-remove", "example.com/ours"] };
    await kubectlApply(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { ...metadata, name: "old-machine" },
      spec: { tpmHash: HASH, clusterName: "c1", config: { role: "server" } },
    });
    await run(pageCommands("migrate-from-rancheros-operator.md", ".metadata.finalizers -="));
    const machine = await getObject(target, "machineinventories.rancheros.cattle.io", namespace, "old-machine");
    expect(machine?.metadata).toMatchObject({ finalizers: ["example.com/ours"] });
    expect(machine?.spec).toMatchObject({ tpmHash: HASH, clusterName: "c1" });
    await kubectl(target, [
      "patch",
      "machineinventories.rancheros.cattle.io",
      "old-machine",
      `--namespace=${namespace}`,
      "--type=merge",
      '--patch={"metadata":{"finalizers":null}}',
    ]);
  });

  it("the CA that its TPMs need certificates of is one that registrations believe here, and no other counts", async () => {
    const pem = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n";
    await kubectlApply(
      target,
      { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "tpm-ca" }, stringData: { "tls.crt": pem } },
      {
        apiVersion: "rancheros.cattle.io/v1",
        kind: "MachineRegistration",
        metadata: { namespace, name: "old-door" },
        spec: { cloudConfig: { users: [] } },
      },
    );
    await run(pageCommands("migrate-from-rancheros-operator.md", "tpm-roots"));
    const roots = await kubectlJson(target, ["get", "secret", "tpm-roots", `--namespace=${namespace}`]);
    expect(roots).toMatchObject({ data: { "hardware.pem": Buffer.from(pem).toString("base64") } });
    const door = await getObject(target, "machineregistrations.rancheros.cattle.io", namespace, "old-door");
    expect(door?.spec).toEqual({
      cloudConfig: { users: [] },
      attestation: { class: "hardware", trustAnchors: { secretName: "tpm-roots" } },
    });
  });

  it("and back: its machines are known by the original's name of their hash", async () => {
    await kubectlApply(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineInventory",
      metadata: { namespace, name: "new-machine" },
      spec: { tpm: HASH.replaceAll("0", "9"), clusterName: "c1" },
    });
    await run(pageCommands("migrate-from-rancheros-operator.md", ".spec.tpm)"));
    const machine = await getObject(target, "machineinventories.rancheros.cattle.io", namespace, "new-machine");
    expect(machine?.spec).toEqual({ tpmHash: HASH.replaceAll("0", "9"), clusterName: "c1" });
    const old = await getObject(target, "machineinventories.rancheros.cattle.io", namespace, "old-machine");
    expect(old?.spec).toMatchObject({ tpmHash: HASH, clusterName: "c1" });
  });

  it("what there is is saved before", async () => {
    await run(pageCommands("migrate-from-rancheros-operator.md", "before.yaml"));
    expect(readFileSync(path.join(folder, "before.yaml"), "utf8")).toContain("name: old-machine");
  });
});

describe("from elemental-operator", () => {
  // Under another name: with two kinds of one name, every other test would have to say which one it means.
  const plural = "elementalinventories";
  const crd = `${plural}.elemental.cattle.io`;

  beforeAll(async () => {
    const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    await kubectlApply(target, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: crd },
      spec: {
        group: "elemental.cattle.io",
        scope: "Namespaced",
        names: { kind: "ElementalInventory", plural, singular: "elementalinventory" },
        versions: [{ name: "v1beta1", served: true, storage: true, schema: { openAPIV3Schema: anything } }],
      },
    });
    await kubectl(target, ["wait", "--for=condition=Established", `crd/${crd}`, "--timeout=30s"]);
  });
  afterAll(() => kubectl(target, ["delete", "crd", crd]));

  it("its machines with a TPM become machines here, with name, labels and hash", async () => {
    const machine = (name: string, spec: object): object => ({
      apiVersion: "elemental.cattle.io/v1beta1",
      kind: "ElementalInventory",
      metadata: { name, namespace, labels: { rack: "7", "elemental.cattle.io/ExternalIP": "192.0.2.1" } },
      spec,
    });
    await kubectlApply(target, machine("m-1", { tpmHash: HASH }), machine("m-2", { machineHash: "without-tpm" }));
    const commands = pageCommands("migrate-from-elemental.md", "machines.json");
    await run(commands.replaceAll("machineinventories.elemental.cattle.io", crd));
    const moved = await getObject(target, "machineinventories.rancheros.cattle.io", namespace, "m-1");
    expect(moved).toMatchObject({ metadata: { labels: { rack: "7" } }, spec: { tpm: HASH } });
    expect(Object.keys(moved?.metadata.labels ?? {})).toEqual(["rack"]);
    expect(await getObject(target, "machineinventories.rancheros.cattle.io", namespace, "m-2")).toBeUndefined();
  });
});
