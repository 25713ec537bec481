/** The inventory and cacerts endpoints beside Rancher's objects, against what the original answered on the wire. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { dial, visit } from "../../machine/visit.ts";
import { eventually, getObject, listObjects, removeObject } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { rancherCrds, rancherObject } from "../../operator/rancher-crds.ts";
import { createSoftwareTpm } from "../../software-tpm/index.ts";

// Rancher's settings are cluster-wide: a control plane of its own keeps them from the other tests.
const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "inventory-"));
const namespace = "fleet-default";
const tpm = createSoftwareTpm();
const CA = "-----BEGIN CERTIFICATE-----\nR09MREVOIENB\n-----END CERTIFICATE-----";
let controlPlane: ControlPlane;
let operator: OperatorProcess;

const secrets: Readonly<Record<string, readonly [type: string, token: string]>> = {
  "shared-a": ["rancheros.cattle.io/token", "golden-shared-secret"],
  "shared-b": ["rancheros.cattle.io/token", "no-cluster-secret"],
  "shared-g": ["rancheros.cattle.io/token", "notoken-secret"],
  "shared-h": ["rancheros.cattle.io/token", "twomachines-secret"],
  // Named TPM...: so attestation data begins.
  orphan: ["rancheros.cattle.io/token", "orphan-secret-114069"],
  "dup-1": ["rancheros.cattle.io/token", "dup-secret"],
  "dup-2": ["rancheros.cattle.io/token", "dup-secret"],
  opaque: ["Opaque", "wrong-type-secret"],
};

function inventory(name: string, spec: object): object {
  return { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory", metadata: { name, namespace }, spec };
}

async function setSetting(name: string, value: string | undefined): Promise<void> {
  if (value === undefined) await kubectl(controlPlane, ["delete", "settings", name, "--ignore-not-found"]);
  else await applyObjects(controlPlane, rancherObject("Setting", undefined, name, { value }));
}

async function setToken(machine: string, token: string): Promise<void> {
  const where = await eventually(async () => {
    const status = (await getObject(controlPlane, "machineinventory", namespace, machine))?.status;
    return typeof status?.["clusterRegistrationTokenName"] === "string" ? status : undefined;
  }, `the token of ${machine}`);
  expect(where).toEqual({
    clusterRegistrationTokenName: `c-m-abc-${machine}-token`,
    clusterRegistrationTokenNamespace: "c-m-abc",
  });
  const patch = JSON.stringify({ status: { token } });
  const name = String(where["clusterRegistrationTokenName"]);
  const args = ["patch", "clusterregistrationtokens", name, "--namespace=c-m-abc", "--type=merge", `--patch=${patch}`];
  await kubectl(controlPlane, args);
}

const operatorOptions = () => ({
  folder,
  kubeconfigPath: controlPlane.kubeconfigPath,
  namespace: "operator",
  serverUrl: "",
});

async function tokenNames(): Promise<string> {
  const tokens = await listObjects(controlPlane, "clusterregistrationtokens", "c-m-abc");
  return tokens.map(({ metadata }) => metadata.name).join("\n");
}

beforeAll(async () => {
  controlPlane = await startControlPlane({ folder, binariesFolder });
  await applyCrds(controlPlane);
  await applyObjects(controlPlane, ...rancherCrds());
  for (const name of [namespace, "c-m-abc", "operator"]) await createNamespace(controlPlane, name);
  await applyObjects(
    controlPlane,
    ...Object.entries(secrets).map(([name, [type, token]]) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace },
      type,
      stringData: { token },
    })),
    rancherObject("Setting", undefined, "server-url", { value: "https://rancher.example.test" }),
    rancherObject("Setting", undefined, "cacerts", { value: CA }),
    rancherObject("Setting", undefined, "internal-cacerts", { value: "INTERNAL-CA\n" }),
    rancherObject("Cluster", namespace, "mycluster", { spec: {}, status: { clusterName: "c-m-abc" } }),
    inventory("machine-a", {
      clusterName: "mycluster",
      machineTokenSecretName: "shared-a",
      config: {
        role: "server",
        nodeName: "node-a",
        address: "203.0.113.10",
        internalAddress: "10.1.2.3",
        labels: { zone: "z1" },
        taints: [
          { key: "dedicated", value: "edge", effect: "NoSchedule" },
          { key: "novalue", effect: "NoExecute" },
        ],
      },
    }),
    inventory("machine-b", { clusterName: "", machineTokenSecretName: "shared-b", config: { labels: null, role: "" } }),
    inventory("machine-g", { clusterName: "mycluster", machineTokenSecretName: "shared-g" }),
    inventory("machine-h1", { clusterName: "mycluster", machineTokenSecretName: "shared-h" }),
    inventory("machine-h2", { clusterName: "mycluster", machineTokenSecretName: "shared-h" }),
    inventory("machine-tpm", { clusterName: "mycluster", tpmHash: tpm.ekHash, config: { role: "agent" } }),
    inventory("machine-unassigned", { tpm: createSoftwareTpm().ekHash }),
  );
  operator = await startOperator(operatorOptions());
  await setToken("machine-a", "crt-token-of-machine-a");
  await setToken("machine-tpm", "crt-token-of-machine-tpm");
});

afterAll(async () => {
  await operator.stop();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(secret: string | undefined): Promise<readonly [status: number, body: string]> {
  const headers: Record<string, string> =
    secret === undefined ? {} : { Authorization: `Bearer ${Buffer.from(secret).toString("base64")}` };
  const answer = await fetch(`${operator.httpUrl}/v1-rancheros/inventory`, { headers });
  return [answer.status, await answer.text()];
}

describe("/v1-rancheros/inventory", () => {
  it("answers the machine that has the shared secret, with its taints as taints", async () => {
    expect(await ask("golden-shared-secret")).toEqual([
      200,
      '{"role":"server","nodeName":"node-a","address":"203.0.113.10","internalAddress":"10.1.2.3",' +
        '"taints":["dedicated=edge:NoSchedule","novalue:NoExecute"],"labels":["zone=z1"],"token":"crt-token-of-machine-a"}\n',
    ]);
  });

  it.each([
    ["no-cluster-secret", 503, "cluster not assigned\n"],
    ["notoken-secret", 503, "cluster token not assigned\n"],
    [undefined, 401, "Unauthorized\n"],
    ["wrong", 401, "token not found\n"],
    ["orphan-secret-114069", 401, "machine not found\n"],
    ["wrong-type-secret", 401, "token not found\n"],
    ["dup-secret", 401, "token not found\n"],
    ["twomachines-secret", 401, "machine not found\n"],
  ])("answers %s with a status and a sentence", async (secret, status, body) => {
    expect(await ask(secret)).toEqual([status, body]);
  });

  it.each(["golden-shared-secret", "Z29sZGVuLXNoYXJlZC1zZWNyZXQ="])(
    "takes no Authorization but Bearer and base64: %s",
    async (value) => {
      for (const Authorization of [value, `Basic ${value}`, `Token ${value}`]) {
        const answer = await fetch(`${operator.httpUrl}/v1-rancheros/inventory`, { headers: { Authorization } });
        expect([answer.status, await answer.text()]).toEqual([401, "this Authorization is not supported\n"]);
      }
    },
  );

  it("refuses a secret that was emptied or taken away, and compares bytes, not letters", async () => {
    const secret = (name: string, token: Buffer) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace },
      type: "rancheros.cattle.io/token",
      data: { token: token.toString("base64") },
    });
    const answer = async (token: Buffer) =>
      (
        await fetch(`${operator.httpUrl}/v1-rancheros/inventory`, {
          headers: { Authorization: `Bearer ${token.toString("base64")}` },
        })
      ).text();
    const bytes = Buffer.from("fffefdfcfffefdfc", "hex");
    await applyObjects(controlPlane, secret("bytes", bytes), secret("gone", Buffer.from("gone-secret")));
    await eventually(async () => ((await answer(bytes)) === "machine not found\n" ? true : undefined), "the bytes");
    expect(await answer(Buffer.from("8081828384858687", "hex"))).toBe("token not found\n");
    await applyObjects(controlPlane, secret("bytes", Buffer.alloc(0)));
    await removeObject(controlPlane, "secret", namespace, "gone");
    await eventually(async () => ((await answer(bytes)) === "token not found\n" ? true : undefined), "it is void");
    expect(await answer(Buffer.from("gone-secret"))).toBe("token not found\n");
  });

  it("answers a machine by its TPM", async () => {
    const outcome = await visit({ url: `${operator.httpUrl}/v1-rancheros/inventory`, tpm });
    expect(outcome).toMatchObject({
      payload: '{"role":"agent","token":"crt-token-of-machine-tpm"}\n',
      close: { code: 1000 },
    });
  });

  it("tells a TPM without a cluster in a 401, the only text that rancherd shows, and when to come back", async () => {
    const waiting = createSoftwareTpm();
    const object = inventory("machine-waiting", { tpm: waiting.ekHash });
    await applyObjects(controlPlane, object);
    const url = `${operator.httpUrl}/v1-rancheros/inventory`;
    const result = await eventually(async () => {
      const answer = await dial({ url, tpm: waiting });
      return answer.kind === "refused" && answer.body !== "machine not found\n" ? answer : undefined;
    }, "the inventory is known");
    expect(result).toMatchObject({ status: 401, body: "cluster not assigned\n", headers: { "retry-after": "10" } });
  });

  it("refuses an unknown TPM before the challenge", async () => {
    const outcome = await visit({ url: `${operator.httpUrl}/v1-rancheros/inventory`, tpm: createSoftwareTpm() });
    expect(outcome).toMatchObject({ status: 401, text: "machine not found", payload: undefined });
  });

  it("has a token that somebody deleted made again when its machine asks", async () => {
    const url = `${operator.httpUrl}/v1-rancheros/inventory`;
    const name = "c-m-abc-machine-tpm-token";
    await removeObject(controlPlane, "clusterregistrationtokens", "c-m-abc", name);
    await eventually(async () => {
      expect(await dial({ url, tpm })).toMatchObject({ status: 401, body: "cluster token not assigned\n" });
      return (await tokenNames()).includes(name) ? true : undefined;
    }, "another token");
    await setToken("machine-tpm", "another-token-of-machine-tpm");
    expect(await visit({ url, tpm })).toMatchObject({
      payload: '{"role":"agent","token":"another-token-of-machine-tpm"}\n',
    });
    await setToken("machine-tpm", "crt-token-of-machine-tpm");
  });

  it("marks tokens that earlier builds made when it starts, hands no other machine's out, and makes missing ones", async () => {
    const mark = "rancheros.cattle.io/machine-inventory-uid";
    const marksOf = async (machine: string): Promise<string> =>
      kubectl(controlPlane, [
        "get",
        `clusterregistrationtokens/c-m-abc-${machine}-token`,
        "--namespace=c-m-abc",
        "--ignore-not-found",
        "--output=jsonpath={.metadata.labels}{.metadata.annotations}",
      ]);
    const uid = (await getObject(controlPlane, "minv", namespace, "machine-a"))?.metadata.uid ?? "";
    const token = ["clusterregistrationtokens/c-m-abc-machine-a-token", "--namespace=c-m-abc"];
    await operator.stop();
    try {
      await kubectl(controlPlane, ["label", ...token, `${mark}-`]);
      await kubectl(controlPlane, ["annotate", ...token, "rancheros.cattle.io/machine-inventory-"]);
      await removeObject(controlPlane, "clusterregistrationtokens", "c-m-abc", "c-m-abc-machine-h2-token");
      // Whoever may write its status asks for the token of another machine.
      const status = {
        clusterRegistrationTokenNamespace: "c-m-abc",
        clusterRegistrationTokenName: "c-m-abc-machine-a-token",
      };
      const patch = `--patch=${JSON.stringify({ status })}`;
      const args = ["minv/machine-g", `--namespace=${namespace}`, "--subresource=status", "--type=merge", patch];
      await kubectl(controlPlane, ["patch", ...args]);
      expect(await marksOf("machine-a")).toBe("");
    } finally {
      operator = await startOperator(operatorOptions());
    }
    await eventually(async () => ((await marksOf("machine-a")).includes(uid) ? true : undefined), "the mark");
    expect(await marksOf("machine-a")).toContain(`${namespace}/machine-a`);
    await eventually(async () => (await marksOf("machine-h2")) || undefined, "the token that was missing");
    expect(await ask("notoken-secret")).toEqual([503, "cluster token not assigned\n"]);
    expect((await ask("golden-shared-secret"))[0]).toBe(200);
    await kubectl(controlPlane, [
      "patch",
      "minv/machine-g",
      `--namespace=${namespace}`,
      "--subresource=status",
      "--type=merge",
      `--patch=${JSON.stringify({ status: { clusterRegistrationTokenName: "c-m-abc-machine-g-token" } })}`,
    ]);
  });

  it("deletes a machine's token with the machine", async () => {
    await removeObject(controlPlane, "machineinventory", namespace, "machine-g");
    await eventually(
      async () => ((await tokenNames()).includes("machine-g") ? undefined : true),
      "the end of its token",
    );
    expect(await tokenNames()).toContain("machine-a");
  });

  it("gives a machine of the same name another token than the one before had", async () => {
    const uidOf = async (): Promise<string> =>
      kubectl(controlPlane, [
        "get",
        "clusterregistrationtokens/c-m-abc-machine-h1-token",
        "--namespace=c-m-abc",
        "--ignore-not-found",
        "--output=jsonpath={.metadata.uid}",
      ]);
    const before = await eventually(async () => (await uidOf()) || undefined, "the first token");
    await removeObject(controlPlane, "machineinventory", namespace, "machine-h1");
    await applyObjects(controlPlane, inventory("machine-h1", { clusterName: "mycluster" }));
    const after = await eventually(async () => {
      const uid = await uidOf();
      const status = (await getObject(controlPlane, "machineinventory", namespace, "machine-h1"))?.status;
      return uid !== "" && uid !== before && status?.["clusterRegistrationTokenName"] ? uid : undefined;
    }, "the second token");
    expect(after).not.toBe(before);
    await removeObject(controlPlane, "machineinventory", namespace, "machine-h1");
    await eventually(async () => ((await uidOf()) === after ? undefined : true), "the end of the second token");
  });

  it("takes back, when it starts, tokens whose machines were deleted while nobody was there; foreign ones stay", async () => {
    await operator.stop();
    try {
      await removeObject(controlPlane, "machineinventory", namespace, "machine-h2");
      await applyObjects(
        controlPlane,
        rancherObject("ClusterRegistrationToken", "c-m-abc", "default-token", { spec: { clusterName: "c-m-abc" } }),
      );
      expect(await tokenNames()).toContain("machine-h2");
    } finally {
      operator = await startOperator(operatorOptions());
    }
    await eventually(
      async () => ((await tokenNames()).includes("machine-h2") ? undefined : true),
      "the end of its token",
    );
    expect(await tokenNames()).toContain("default-token");
    expect(await tokenNames()).toContain("machine-a");
  });
});

describe("/v1-rancheros/cacerts", () => {
  const NONCE = "nonce-0123456789";
  async function cacerts(key?: string, nonce: string | undefined = NONCE) {
    const headers: Record<string, string> = nonce === "" ? {} : { "X-Cattle-Nonce": nonce };
    if (key !== undefined) headers["Authorization"] = `Bearer ${createHash("sha256").update(key).digest("base64")}`;
    const answer = await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`, { headers });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain"]);
    return { body: await answer.text(), hash: answer.headers.get("x-cattle-hash") };
  }

  // Origin of the hashes: the original operator over curl.
  it("signs the CA for who shares a key with us", async () => {
    expect(await cacerts("golden-shared-secret")).toEqual({
      body: `${CA}\n`,
      hash: "gtSe6MQMDBMNcf3WAaFVq3qkJGMHvZCK1EuhIyBJHQ8GYKcCoZsOeG/+3UBgZXvSbMal4w/k3cJFYecMBrUw7Q==",
    });
    expect((await cacerts("orphan-secret-114069")).hash).not.toBeNull();
    for (const key of ["dup-secret", tpm.ekHash]) expect((await cacerts(key)).hash).not.toBeNull();
  });

  it("signs for nobody else", async () => {
    for (const answer of [
      await cacerts("unknown"),
      await cacerts(),
      await cacerts("golden-shared-secret", ""),
      await cacerts("wrong-type-secret"),
    ]) {
      expect(answer).toEqual({ body: `${CA}\n`, hash: null });
    }
  });

  it.each([
    ["empty", "", "ksF9o30opctphnExxS7mUYuCtV3x/pXmGy937EQYMEIf3nE2Yz0/uuJxrsFn4xvYu8IkiIuGVGWQD1jYYekVSQ=="],
    ["absent", undefined, "ksF9o30opctphnExxS7mUYuCtV3x/pXmGy937EQYMEIf3nE2Yz0/uuJxrsFn4xvYu8IkiIuGVGWQD1jYYekVSQ=="],
  ])("takes internal-cacerts where cacerts is %s", async (_what, value, hash) => {
    await setSetting("cacerts", value);
    await eventually(async () => ((await cacerts()).body === "INTERNAL-CA\n" ? true : undefined), "internal-cacerts");
    expect(await cacerts("golden-shared-secret")).toEqual({ body: "INTERNAL-CA\n", hash });
  });
});

describe("Rancher's server-url", () => {
  async function urlOf(name: string): Promise<unknown> {
    return (await getObject(controlPlane, "mreg", namespace, name))?.status?.["registrationURL"];
  }

  it("makes the URL, and a change of it changes the URL", async () => {
    const object = {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineRegistration",
      metadata: { name: "r", namespace },
      spec: {},
    };
    await applyObjects(controlPlane, object);
    const before = await eventually(async () => urlOf("r"), "the URL");
    expect(before).toMatch(/^https:\/\/rancher\.example\.test\/v1-rancheros\/registration\/[a-z0-9]{54}$/);
    await setSetting("server-url", "https://other.example.test/");
    const after = await eventually(async () => {
      const url = await urlOf("r");
      return url === before ? undefined : url;
    }, "the changed URL");
    expect(after).toBe(String(before).replace("rancher.example.test", "other.example.test"));
  });

  it("is missed with a reason, and noticed when it comes back", async () => {
    await setSetting("server-url", undefined);
    await kubectl(controlPlane, ["wait", "mreg/r", "-n", namespace, "--for=condition=Ready=False", "--timeout=15s"]);
    const status = (await getObject(controlPlane, "mreg", namespace, "r"))?.status;
    expect(JSON.stringify(status?.["conditions"])).toContain("ServerURLNotSet");
    const token = String(status?.["registrationToken"]);
    const answer = await fetch(`${operator.httpUrl}/v1-rancheros/registration/${token}`);
    expect([answer.status, await answer.text()]).toEqual([503, "server-url is not set\n"]);
    await setSetting("server-url", "https://rancher.example.test");
    await kubectl(controlPlane, ["wait", "mreg/r", "-n", namespace, "--for=condition=Ready=True", "--timeout=15s"]);
  });
});
