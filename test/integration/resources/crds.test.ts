/** The CRDs on a real API server: what the document shows is taken as written, what cannot be is refused by a sentence. */
import { RESOURCE_KINDS } from "@rancheros/protocol/resources";
import { describe, expect, inject, it } from "vitest";
import { kubectl, kubectlApply } from "../../control-plane/kubectl.ts";
import { createNamespace, useNamespace } from "../../control-plane/namespace.ts";
import { getObject, patchStatus } from "../../operator/objects.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "crds");

type Kind =
  "MachineRegistration" | "MachineInventory" | "ManagedOSImage" | "ManagedOSVersion" | "ManagedOSVersionChannel";

const upgradeImage = { upgradeImage: "registry.example.com/os:v1.2.3" };

let count = 0;
async function apply(kind: Kind, spec: object, name = `object-${(count += 1)}`): Promise<string> {
  // Not apply, which would leave out nulls before the API server sees them.
  const input = JSON.stringify({ apiVersion: "rancheros.cattle.io/v1", kind, metadata: { name, namespace }, spec });
  return kubectl(target, ["create", "--filename=-"], { input });
}

const container = {
  image: "ubuntu",
  command: ["/bin/sh"],
  args: ["-c", "true"],
  env: [{ name: "TEST_ENV", value: "testValue" }],
};

// Origin: the operator document, its references of the three kinds.
const documented: readonly [Kind, string, object][] = [
  ["ManagedOSImage", "the simplest", { osImage: "rancher/os2:v0.0.0" }],
  [
    "ManagedOSImage",
    "the full type",
    {
      osImage: "rancher/os2:v0.0.0",
      nodeSelector: { matchLabels: {} },
      concurrency: 2,
      prepare: container,
      drain: {
        timeout: "5m",
        gracePeriod: "5m",
        deleteLocalData: false,
        ignoreDaemonSets: true,
        force: false,
        disableEviction: false,
        skipWaitForDeleteTimeout: 5,
      },
      targets: [],
      upgradeContainer: container,
    },
  ],
  [
    "MachineInventory",
    "the full type",
    {
      clusterName: "some-cluster",
      tpm: "d68795c6192af9922692f050b...",
      smbios: {},
      machineTokenSecretName: "some-secret-name",
      config: { role: "server" },
    },
  ],
  [
    "MachineRegistration",
    "the full type",
    { machineInventoryLabels: {}, machineInventoryAnnotations: {}, cloudConfig: {} },
  ],
];

describe("the document", () => {
  it.each(documented)("%s, %s, is taken and kept as written", async (kind, what, spec) => {
    const name = `document-${what.replaceAll(/[^a-z]/g, "-")}`;
    await apply(kind, spec, name);
    expect((await getObject(target, kind, namespace, name))?.spec).toEqual(spec);
  });

  it.each([
    ["no spec", {}],
    ["an empty spec", { spec: null }],
  ])("MachineRegistration, with %s, is taken, and so is its status", async (what, more) => {
    const name = `nothing-${what.replaceAll(/[^a-z]/g, "-")}`;
    const object = { apiVersion: "rancheros.cattle.io/v1", kind: "MachineRegistration", metadata: { name, namespace } };
    await kubectl(target, ["create", "--filename=-"], { input: JSON.stringify({ ...object, ...more }) });
    await patchStatus(target, "machineregistration", namespace, name, { registrationToken: "t" });
    expect((await getObject(target, "machineregistration", namespace, name))?.status).toEqual({
      registrationToken: "t",
    });
  });

  // As the original's CRD has it, whose code reads such a value as an empty one. Without it, all nodes would be chosen.
  it.each<[Kind, object]>([
    ["ManagedOSImage", { osImage: "a", nodeSelector: { matchLabels: { worker: null } } }],
    ["ManagedOSImage", { osImage: "a", clusterTargets: [{ clusterSelector: { matchLabels: { edge: null } } }] }],
    ["ManagedOSImage", { osImage: "a", canary: { selector: { matchLabels: { first: null } } } }],
    ["ManagedOSImage", { osImage: "a", drain: { podSelector: { matchLabels: { app: null } } } }],
    ["MachineInventory", { config: { labels: { "node-role.kubernetes.io/worker": null, zone: "a" } } }],
    ["MachineRegistration", { machineInventoryLabels: { edge: null }, machineInventoryAnnotations: { note: null } }],
  ])("keeps labels without a value: %s %j", async (kind, spec) => {
    const name = `no-value-${(count += 1)}`;
    await apply(kind, spec, name);
    expect((await getObject(target, kind, namespace, name))?.spec).toEqual(spec);
  });

  it("holds the keys of labels without a value to what labels need", async () => {
    for (const field of ["machineInventoryLabels", "machineInventoryAnnotations"]) {
      await expect(apply("MachineRegistration", { [field]: { "a b": null } })).rejects.toThrow(
        `spec.${field}: Invalid value: ${field}: every key must be a Kubernetes label key, such as example.com/rack or rack, and 'a b' is none`,
      );
    }
  });

  it.each([
    ["an absent selector", { nodeSelector: null }],
    ["no drain", { drain: null }],
    ["a pause", { concurrency: 0 }],
  ])("knows null and zero: %s", async (_what, fields) => {
    await expect(apply("ManagedOSImage", { osImage: "a", ...fields })).resolves.toContain("created");
  });
});

it("every key that Kubernetes takes is taken", async () => {
  const keys = ["rack", "example.com/rack", `${"a".repeat(64)}.com/x`, `${"a.".repeat(126)}a/${"n".repeat(63)}`];
  const texts = Object.fromEntries(keys.map((key) => [key, "x"]));
  const spec = { machineInventoryLabels: texts, machineInventoryAnnotations: texts };
  await expect(apply("MachineRegistration", spec)).resolves.toContain("created");
  await kubectlApply(target, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "keys", namespace, labels: texts, annotations: texts },
  });
});

describe("what the original left behind", () => {
  // Origin: objects of the original operator as kubectl printed them, and its own names of fields.
  it.each<[Kind, object]>([
    ["MachineInventory", { clusterName: "", config: { labels: null, role: "" }, machineTokenSecretName: "shared-b" }],
    [
      "MachineInventory",
      { clusterName: "c", config: { labels: null, role: "" }, tpmHash: "00112233445566778899aabbccddeeff" },
    ],
    ["MachineInventory", { smbios: null, config: { taints: [{ effect: "NoExecute", key: "novalue" }] } }],
    [
      "ManagedOSImage",
      {
        osImage: "a:b",
        clusterTargets: [{ clusterSelector: { matchLabels: { a: "b" } }, name: "x" }],
        prepare: { image: "a", envs: [{ name: "A", value: "b" }] },
        drain: { timeout: 300_000_000_000, force: true, skipWaitForDeleteTimeout: 60 },
        cordon: true,
        clusterRolloutStrategy: { maxUnavailable: 1 },
      },
    ],
    ["MachineRegistration", { machineName: "node-${System Information/Serial Number}-", cloudConfig: null }],
    [
      "ManagedOSVersion",
      {
        version: "v2.1.0-3.26",
        type: "container",
        minVersion: "0.0.1",
        metadata: { ...upgradeImage, displayName: "OS", created: "2022-04-20", platforms: ["linux/amd64"] },
        upgradeContainer: { command: ["/usr/sbin/suc-upgrade"], envs: [{ name: "FORCE", value: "false" }] },
      },
    ],
    ["ManagedOSVersion", { version: "v0.1.0", type: "iso", metadata: { uri: "registry.example.com/os-iso:v0.1.0" } }],
    ["ManagedOSVersionChannel", { type: "json", options: { uri: "https://example.com/a.json", timeout: "30s" } }],
    [
      "ManagedOSVersionChannel",
      {
        type: "custom",
        syncInterval: "1h",
        deleteNoLongerInSyncVersions: false,
        enabled: true,
        registry: "registry.example.com",
        options: { image: "a", command: ["/bin/sh"], args: ["-c", "true"], envs: [{ name: "A", value: "b" }] },
      },
    ],
    ["ManagedOSVersionChannel", { type: "oci", options: { repository: "a", range: ">=1.0.0 || 2.x", maxVersions: 3 } }],
  ])("%s %j is taken and kept", async (kind, spec) => {
    const name = `left-${(count += 1)}`;
    await apply(kind, spec, name);
    const kept = await getObject(target, kind, namespace, name);
    expect(kept?.spec).toEqual(spec);
  });
});

describe("rules", () => {
  it.each<[Kind, object, RegExp]>([
    ["MachineInventory", { tpm: "NOT-HEX" }, /tpm must be 64 lower-case hex digits/],
    ["MachineInventory", { tpm: "a".repeat(65) }, /tpm/],
    ["MachineInventory", { tpm: "a".repeat(63) }, /tpm must be 64 lower-case hex digits/],
    ["MachineInventory", { tpm: `${"a".repeat(7)}...` }, /tpm must be 64 lower-case hex digits/],
    ["MachineInventory", { tpm: `${"a".repeat(8)}..` }, /tpm must be 64 lower-case hex digits/],
    [
      "MachineInventory",
      { tpm: "a".repeat(64), tpmHash: "b".repeat(64) },
      /tpm and tpmHash are two names of one field/,
    ],
    ["MachineInventory", { config: { taints: [{ key: "a", effect: "Never" }] } }, /spec.config.taints\[0\].effect/],
    [
      "MachineRegistration",
      { machineInventoryLabels: { rack: "x", "not a key": "x" } },
      /machineInventoryLabels: every key must be .*, and 'not a key' is none/,
    ],
    [
      "MachineRegistration",
      { machineInventoryAnnotations: { "-x": "x" } },
      /machineInventoryAnnotations: every key must be .*, and '-x' is none/,
    ],
    ...["example..com/rack", "a-.b/x", `${"a.".repeat(126)}ab/x`, `a/${"n".repeat(64)}`].map(
      (key): [Kind, object, RegExp] => [
        "MachineRegistration",
        { machineInventoryLabels: { [key]: "x" } },
        new RegExp(`machineInventoryLabels: every key must be .*, and '${key.replaceAll(".", "[.]")}' is none`),
      ],
    ),
    // With a line break in it there is no such message: then the key is not named.
    [
      "MachineRegistration",
      { machineInventoryLabels: { "a\nb": "x" } },
      /machineInventoryLabels: every key must be a Kubernetes label key, such as example.com[/]rack or rack$/m,
    ],
    ["MachineRegistration", { machineName: "x".repeat(1025) }, /spec.machineName/],
    ["MachineRegistration", { cloudConfig: "text" }, /spec.cloudConfig/],
    ["MachineRegistration", { attestation: { class: "best" } }, /spec.attestation.class/],
    ["MachineRegistration", { attestation: { approval: "maybe" } }, /spec.attestation.approval/],
    ["MachineRegistration", { attestation: { endorsementKeys: ["ab"] } }, /spec.attestation.endorsementKeys\[0\]/],
    [
      "MachineRegistration",
      { attestation: { trustAnchors: { configMapName: "a", secretName: "b" } } },
      /trustAnchors: give configMapName or secretName/,
    ],
    ["MachineRegistration", { token: { expiresAt: "tomorrow" } }, /spec.token.expiresAt/],
    ["MachineRegistration", { token: { overlap: "soon" } }, /token.overlap must be a duration/],
    ["MachineRegistration", { reportInterval: "often" }, /reportInterval must be a duration/],
    ["MachineRegistration", { acceptedLabels: ["not a key"] }, /spec.acceptedLabels\[0\]/],
    ["MachineInventory", { approval: "Perhaps" }, /spec.approval/],
    ["ManagedOSImage", {}, /osImage is missing/],
    ["ManagedOSImage", { osImage: "a", concurrency: -1 }, /concurrency must be a number of nodes/],
    ["ManagedOSImage", { osImage: "a", concurrency: "101%" }, /concurrency must be a number of nodes/],
    ["ManagedOSImage", { osImage: "a", concurrency: "two" }, /concurrency must be a number of nodes/],
    ["ManagedOSImage", { osImage: "a", drain: { timeout: "5 minutes" } }, /drain.timeout must be a duration/],
    ["ManagedOSImage", { osImage: "a", drain: { timeout: -1 } }, /drain.timeout must be a duration/],
    ["ManagedOSImage", { osImage: "a", drain: { gracePeriod: "soon" } }, /drain.gracePeriod must be a duration/],
    [
      "ManagedOSImage",
      { osImage: "a", drain: { skipWaitForDeleteTimeout: "x" } },
      /drain.skipWaitForDeleteTimeout must be/,
    ],
    ["ManagedOSImage", { osImage: "a", targets: [], clusterTargets: [] }, /targets and clusterTargets are two names/],
    ["ManagedOSImage", { osImage: "a", prepare: { env: [], envs: [] } }, /prepare: env and envs are two names/],
    ["ManagedOSImage", { osImage: "a", upgradeContainer: { env: [], envs: [] } }, /upgradeContainer: env and envs/],
    [
      "ManagedOSImage",
      { osImage: "a", nodeSelector: { matchExpressions: [{ key: "a", operator: "Maybe" }] } },
      /spec.nodeSelector.matchExpressions\[0\].operator/,
    ],
    ["ManagedOSVersion", { version: "latest", metadata: upgradeImage }, /version must be a semantic version/],
    ["ManagedOSVersion", { version: "", metadata: upgradeImage }, /version is missing/],
    [
      "ManagedOSVersion",
      { version: "1.2.3", minVersion: "one", metadata: upgradeImage },
      /minVersion must be a semantic/,
    ],
    ["ManagedOSVersion", { version: "1.2.3", type: "tar", metadata: upgradeImage }, /spec.type/],
    ["ManagedOSVersion", { version: "1.2.3" }, /metadata.upgradeImage is missing/],
    ["ManagedOSVersion", { version: "1.2.3", type: "container", metadata: {} }, /metadata.upgradeImage is missing/],
    ["ManagedOSVersion", { version: "1.2.3", metadata: { upgradeImage: 1 } }, /spec.metadata.upgradeImage/],
    ["ManagedOSVersionChannel", { type: "ftp" }, /spec.type/],
    ["ManagedOSVersionChannel", { type: "json" }, /options.uri is missing/],
    ["ManagedOSVersionChannel", { type: "json", options: { repository: "a" } }, /options.uri is missing/],
    ["ManagedOSVersionChannel", { type: "oci", options: { uri: "a" } }, /options.repository is missing/],
    ["ManagedOSVersionChannel", { type: "custom", options: {} }, /options.image is missing/],
    ["ManagedOSVersionChannel", { type: "json", syncInterval: "often", options: { uri: "a" } }, /syncInterval must be/],
    ["ManagedOSVersionChannel", { type: "oci", options: { repository: "a", maxVersions: 1001 } }, /maxVersions/],
  ])("%s %j is refused by a sentence that names the field", async (kind, spec, sentence) => {
    await expect(apply(kind, spec)).rejects.toThrow(sentence);
  });

  it("refuses an object without a spec", async () => {
    const object = {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSImage",
      metadata: { name: "none", namespace },
    };
    await expect(kubectlApply(target, object)).rejects.toThrow(/required.*spec|spec: Required/i);
  });
});

describe("kubectl", () => {
  it("explains every field", async () => {
    for (const { plural: kind } of RESOURCE_KINDS) {
      const text = await kubectl(target, ["explain", kind, "--recursive"]);
      expect(text).toContain("GROUP:      rancheros.cattle.io");
      const spec = await kubectl(target, ["explain", `${kind}.spec`]);
      expect(spec).not.toContain("<no description>");
    }
  });

  it("knows short names and the category", async () => {
    await apply("MachineInventory", { clusterName: "c", config: { role: "server" } }, "shown");
    expect(await kubectl(target, ["get", "minv", "shown", "-n", namespace])).toMatch(
      /CLUSTER +ROLE +REGISTRATION +APPROVAL +PHASE +AGE\nshown +c +server/,
    );
    for (const name of ["mreg", "mosi", "mosv", "mosvc", "rancheros"])
      await kubectl(target, ["get", name, "-n", namespace]);
  });

  it("keeps status apart: a write of the object does not touch it", async () => {
    await apply("MachineInventory", {}, "apart");
    const status = '{"status":{"clusterRegistrationTokenName":"x"}}';
    await kubectl(target, ["patch", "minv/apart", "-n", namespace, "--type=merge", "-p", status]);
    expect((await getObject(target, "minv", namespace, "apart"))?.status).toBeUndefined();
    await kubectl(target, [
      "patch",
      "minv/apart",
      "-n",
      namespace,
      "--subresource=status",
      "--type=merge",
      "-p",
      status,
    ]);
    expect((await getObject(target, "minv", namespace, "apart"))?.status).toEqual({
      clusterRegistrationTokenName: "x",
    });
  });
});

describe("the document's first example", () => {
  it("lives in fleet-local", async () => {
    await createNamespace(target, "fleet-local");
    await kubectlApply(target, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "ManagedOSImage",
      metadata: { name: "default-os-image", namespace: "fleet-local" },
      spec: { osImage: "rancher/os2:v0.0.0" },
    });
    const shown = await kubectl(target, ["get", "managedosimage", "-n", "fleet-local", "default-os-image"]);
    expect(shown).toMatch(
      /IMAGE +STATE +TOTAL +UPDATED +UPDATING +FAILED +PENDING +AGE\ndefault-os-image +rancher\/os2:v0.0.0/,
    );
  });
});
