/** What an image refers to, read once for many machines that ask at the same time. */
import { createHash } from "node:crypto";
import { KubeConfig } from "@kubernetes/client-node";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { NO_REGISTRY_SETTINGS, type RegistryOutside } from "../../../src/registry/index.ts";
import { planMaterials, type MaterialsOptions } from "../../../src/rollout/io/plan-materials.ts";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

const notUsed = (): Promise<never> => Promise.reject(new Error("not used"));
/** No digest is asked for. */
const unused: Omit<MaterialsOptions, "kubernetes" | "nowMs"> = {
  registry: { send: notUsed, nowMs: () => 0 },
  registrySettings: NO_REGISTRY_SETTINGS,
  imagePolicy: { rules: [], warnings: [] },
  verifyKeyless: notUsed,
  onUnsigned: () => undefined,
  signal: new AbortController().signal,
};

function scene(secrets: Readonly<Record<string, object>> = {}) {
  const read: string[] = [];
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ path }) {
      read.push(path);
      const name = path.slice(path.lastIndexOf("/") + 1);
      return secrets[name] ?? { data: { NAME: name } };
    },
    open: notUsed,
  };
  return { read, materials: planMaterials({ ...unused, kubernetes, nowMs: () => 0 }) };
}

/** As a ManagedOSVersion says it: its changes are none of the image's generation. */
function image(configMap: string): ManagedOSImage {
  const metadata = { name: "os", namespace: "fleet-local", uid: "u", resourceVersion: "1", generation: 1 };
  const upgradeContainer = { envFrom: [{ configMapRef: { name: configMap } }] };
  return { metadata, spec: { managedOSVersionName: "v", osImage: "r.example.com/os:v1", upgradeContainer } };
}

it("is read once for all", async () => {
  const { read, materials } = scene();
  const all = await Promise.all([image("one"), image("one")].map((one) => materials.materials(one)));
  expect(all.map(({ upgradeEnv }) => upgradeEnv)).toEqual([{ NAME: "one" }, { NAME: "one" }]);
  expect(read).toHaveLength(1);
});

it("is read anew where the version names something else", async () => {
  const { materials } = scene();
  expect((await materials.materials(image("one"))).upgradeEnv).toEqual({ NAME: "one" });
  expect((await materials.materials(image("two"))).upgradeEnv).toEqual({ NAME: "two" });
});

type Account = readonly [registry: string, username: string, password: string];

function pullSecret(...accounts: readonly Account[]): object {
  const auths = Object.fromEntries(
    accounts.map(([registry, username, password]) => [registry, { username, password }]),
  );
  const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") };
  return { type: "kubernetes.io/dockerconfigjson", data };
}

describe("the accounts that machines are told", () => {
  async function told(
    secrets: Readonly<Record<string, object>>,
    upgradeImage?: string,
    which: "credentials" | "firstCredentials" = "credentials",
  ): Promise<readonly (readonly string[])[]> {
    const one = image("one");
    const imagePullSecrets = Object.keys(secrets).map((name) => ({ name }));
    const upgradeContainer = upgradeImage === undefined ? null : { image: upgradeImage };
    const spec = { osImage: "r.example.com/team-a/os:v1", imagePullSecrets, upgradeContainer };
    const materials = await scene(secrets).materials.materials({ ...one, spec });
    return materials[which].map(({ registry, username, password }) => [registry, username, password]);
  }

  it("are all that the operator tries for the image itself, as the first may be outdated", async () => {
    const host = "r.example.com";
    const secrets = {
      old: pullSecret([host, "old", "expired"]),
      new: pullSecret([host, "new", "right"], ["other.example.com", "x", "y"]),
    };
    expect(await told(secrets)).toEqual([
      [host, "old", "expired"],
      [host, "new", "right"],
    ]);
  });

  it("are those of each image of one registry, each once", async () => {
    const host = "r.example.com";
    const pull = pullSecret([`${host}/team-a`, "a", "1"], [`${host}/team-b`, "b", "2"], [host, "all", "3"]);
    expect(await told({ pull }, "r.example.com/team-b/tools:v1")).toEqual([
      [host, "a", "1"],
      [host, "all", "3"],
      [host, "b", "2"],
    ]);
  });

  it("are the first of each image where the others have no room, also where that is a further one of another image", async () => {
    const host = "r.example.com";
    const pull = pullSecret([`${host}/team-a`, "a", "1"], [`${host}/team-b`, "b", "2"], [host, "all", "3"]);
    expect(await told({ pull }, "r.example.com/team-b/tools:v1", "firstCredentials")).toEqual([
      [host, "a", "1"],
      [host, "b", "2"],
    ]);
    expect(await told({ pull }, "r.example.com/other/tools:v1", "firstCredentials")).toEqual([
      [host, "a", "1"],
      [host, "all", "3"],
    ]);
  });

  it("have room in a plan: the first of each image always, others as long as they are short", async () => {
    const host = "r.example.com";
    const long = "x".repeat(12 * 1024);
    const secrets = Object.fromEntries(
      ["one", "two", "three"].map((name) => [name, pullSecret([host, name, long], [`${host}/team-b`, "b", long])]),
    );
    const users = (await told(secrets, "r.example.com/team-b/tools:v1")).map(([, username]) => username);
    expect(users).toEqual(["one", "two", "b"]);
  });
});

describe("the digest of a tag", () => {
  /** A registry whose tags all lead to the same manifest. */
  function registry() {
    const body = { text: JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, layers: [] }) };
    const digest = () => `sha256:${createHash("sha256").update(body.text).digest("hex")}`;
    const asked: string[] = [];
    const outside: RegistryOutside = {
      async send({ method, url }) {
        asked.push(`${method} ${url.pathname}`);
        const headers = { "content-type": MANIFEST_TYPE, "docker-content-digest": digest() };
        return { status: 200, headers, body: Buffer.from(method === "HEAD" ? "" : body.text) };
      },
      nowMs: () => 0,
    };
    return { body, digest, asked, outside };
  }

  function materialsOf(outside: RegistryOutside): ReturnType<typeof planMaterials> {
    const kubernetes: Kubernetes = { config: new KubeConfig(), send: notUsed, open: notUsed };
    return planMaterials({ ...unused, registry: outside, kubernetes, nowMs: () => 0 });
  }

  it("that did not move is not loaded again, which some registries count", async () => {
    const { body, digest, asked, outside } = registry();
    const materials = materialsOf(outside);
    const named = { name: "osImage", image: "r.example.com/os:v1" };
    const first = digest();
    expect(await materials.resolve(image("one"), named)).toBe(first);
    expect(await materials.resolve(image("one"), named)).toBe(first);
    expect(asked).toEqual(["HEAD /v2/os/manifests/v1", `GET /v2/os/manifests/${first}`, "HEAD /v2/os/manifests/v1"]);
    body.text += " ";
    expect(await materials.resolve(image("one"), named)).toBe(digest());
    expect(digest()).not.toBe(first);
  });

  it("is not another tag's, nor another ManagedOSImage's", async () => {
    const { asked, outside } = registry();
    const materials = materialsOf(outside);
    await materials.resolve(image("one"), { name: "osImage", image: "r.example.com/os:v1" });
    await materials.resolve(image("one"), { name: "prepare", image: "r.example.com/os:v2" });
    const one = image("one");
    const other = { ...one, metadata: { ...one.metadata, uid: "other" } };
    await materials.resolve(other, { name: "osImage", image: "r.example.com/os:v1" });
    expect(asked.filter((request) => request.startsWith("GET"))).toHaveLength(3);
  });
});
