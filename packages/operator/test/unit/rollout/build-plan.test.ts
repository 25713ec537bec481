import { describe, expect, it } from "vitest";
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { PROTOCOL_VERSION } from "@rancheros/protocol/attestation";
import { readPlanAnswer, writePlanAnswer } from "@rancheros/protocol/upgrade";
import { buildPlan, type Materials } from "../../../src/rollout/build-plan.ts";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import { NO_VERSIONS } from "../../../src/versions/index.ts";
import { compileImage } from "../../../src/rollout/compile-image.ts";
import { envSources, variablesOf } from "../../../src/rollout/env-from.ts";
import { planOf, resolvedImages } from "../../../src/rollout/resolved.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const NONE: Materials = { prepareEnv: {}, upgradeEnv: {}, credentials: [], firstCredentials: [] };

function planFor(spec: ManagedOSImageSpec, materials = NONE, slot: object = {}) {
  const full = { osImage: "registry:5000/os:v1", ...spec };
  const status = {
    resolvedImage: full.osImage,
    digest: DIGEST,
    reference: `registry:5000/os@${DIGEST}`,
    containerImages: (["prepare", "upgradeContainer"] as const).flatMap((name) => {
      const image = full[name]?.image;
      return image === undefined ? [] : [{ name, image, reference: `docker.io/library/${image}@${DIGEST}` }];
    }),
  };
  const metadata = { name: "os", namespace: "fleet-default", uid: "u", resourceVersion: "1" };
  const object = { metadata, spec: full, status };
  const images = resolvedImages(object);
  if (images === undefined) throw new Error("not resolved");
  const granted = { machine: "m", uid: "u", cluster: "c", attempt: 3, grantedAt: "2030-01-01T00:00:00Z" };
  return buildPlan(
    compileImage(effectiveImage(object, NO_VERSIONS)),
    { ...granted, plan: planOf(object, images), ...slot },
    materials,
  );
}

describe("a plan", () => {
  it("runs suc-upgrade of the image, where nothing else is said", () => {
    const plan = planFor({});
    expect(plan).toMatchObject({
      image: "os",
      attempt: 3,
      osImage: "registry:5000/os:v1",
      reference: `registry:5000/os@${DIGEST}`,
      version: "v1",
      cordon: true,
      drain: undefined,
      timeoutSeconds: 7_200,
      force: false,
      retry: false,
      allowDowngrade: false,
    });
    expect(plan.upgrade).toMatchObject({
      image: `registry:5000/os@${DIGEST}`,
      command: ["/usr/sbin/suc-upgrade"],
      env: {},
    });
  });

  it("is what the agent's own reader takes", () => {
    const plan = planFor(
      {
        cloudConfig: { runcmd: ["true"] },
        drain: { timeout: "5m", force: true },
        prepare: { image: "ubuntu", command: ["/bin/sh"], args: ["-c", "true"], env: [{ name: "A", value: "1" }] },
        upgradeContainer: {
          image: "tools",
          envs: [{ name: "B" }],
          volumes: [{ name: "v", source: "/a", destination: "/b" }],
          securityContext: { privileged: true },
        },
      },
      {
        ...NONE,
        credentials: [
          { registry: "docker.io", username: "u", password: "p" },
          // As kubelets take it: a token alone.
          { registry: "registry.example.com", username: "", password: "p" },
          { registry: "other.example.com", username: "u", password: "" },
        ],
      },
      { isRetry: true },
    );
    const machine = { namespace: "n", name: "m", uid: "u" };
    const answer = { protocol: PROTOCOL_VERSION, machine, plan, waiting: undefined, nextAskInSeconds: 5 };
    expect(readPlanAnswer(writePlanAnswer(answer))).toEqual(answer);
    expect(plan.prepare).toMatchObject({ image: `docker.io/library/ubuntu@${DIGEST}`, env: { A: "1" } });
    expect(plan.upgrade).toMatchObject({
      image: `docker.io/library/tools@${DIGEST}`,
      command: undefined,
      env: { B: "" },
    });
    expect(plan.retry).toBe(true);
  });

  it("says a label without a value as an empty one, which agents of before take too", () => {
    const podSelector = { matchLabels: { app: null, tier: "web" }, matchExpressions: null };
    const plan = planFor({ drain: { force: true, podSelector } });
    expect(plan.drain).toEqual({
      force: true,
      podSelector: { matchLabels: { app: "", tier: "web" }, matchExpressions: null },
    });
    for (const same of [null, {}, { matchLabels: null }]) {
      expect(planFor({ drain: { podSelector: same } }).drain).toEqual({ podSelector: same });
    }
  });

  it("lets an upgradeContainer without an image run in osImage", () => {
    const { upgrade } = planFor({ upgradeContainer: { env: [{ name: "FORCE", value: "true" }] } });
    expect(upgrade).toMatchObject({
      image: `registry:5000/os@${DIGEST}`,
      command: ["/usr/sbin/suc-upgrade"],
      env: { FORCE: "true" },
    });
  });

  it("makes no empty variable of one that comes from elsewhere", () => {
    const from = (valueFrom: unknown) => ({ env: [{ name: "A", valueFrom }] });
    const spec = { upgradeContainer: from({ secretKeyRef: { name: "s", key: "k" } }) };
    const sentence = /spec\.upgradeContainer\.env\[0\]\.valueFrom: is not read/;
    expect(() => planFor(spec)).toThrow(sentence);
    expect(planFor({ upgradeContainer: from(null) }).upgrade.env).toEqual({ A: "" });
  });

  it("lets env win over envFrom", () => {
    const spec = { upgradeContainer: { env: [{ name: "A", value: "own" }] } };
    expect(planFor(spec, { ...NONE, upgradeEnv: { A: "from", B: "from" } }).upgrade.env).toEqual({
      A: "own",
      B: "from",
    });
  });

  describe("with several accounts of a registry", () => {
    const accounts = (count: number, length: number) =>
      Array.from({ length: count }, (_, at) => ({
        registry: "registry:5000",
        username: `u${at}`,
        password: "x".repeat(length),
      }));
    const large = { cloudConfig: { text: "x".repeat(64_000) } };
    const upgradeEnv = { A: "x".repeat(15_000) };
    const told = (spec: ManagedOSImageSpec, materials: Materials) =>
      planFor(spec, materials).credentials.map(({ username }) => username);

    it("has them all as long as they have room", () => {
      const credentials = accounts(5, 3_000);
      expect(told({}, { ...NONE, credentials, firstCredentials: credentials.slice(0, 1) })).toHaveLength(5);
    });

    it.each([
      ["that have no room together", large, { ...NONE, upgradeEnv }, accounts(5, 3_000)],
      ["of which machines do not take so many", {}, NONE, accounts(300, 1)],
      ["of which one is longer than machines take", {}, NONE, [...accounts(1, 1), ...accounts(1, 70_000)]],
    ])("%s, has the first of each image", (_, spec, materials, credentials) => {
      expect(told(spec, { ...materials, credentials, firstCredentials: credentials.slice(0, 1) })).toEqual(["u0"]);
    });

    it("is refused where not even the first has room", () => {
      const credentials = accounts(2, 15_000);
      const firstCredentials = credentials.slice(0, 1);
      expect(() => planFor(large, { ...NONE, upgradeEnv, credentials, firstCredentials })).toThrow(
        /machines take 92160/,
      );
    });
  });

  it("is refused where no machine would take it", () => {
    const upgradeEnv = { A: "x".repeat(100_000) };
    expect(() => planFor({}, { ...NONE, upgradeEnv })).toThrow(/bytes together; machines take 92160/);
    expect(() => planFor({ cloudConfig: { text: "x".repeat(70_000) } })).toThrow(/spec.cloudConfig: is longer/);
    const wrong = {
      env: [{ name: "A=secret", value: "x" }],
      volumes: [{ name: "v", source: "", destination: "/b" }],
      args: Array.from({ length: 300 }, () => "x"),
    };
    expect(() => planFor({ upgradeContainer: wrong })).toThrow(
      "machines do not take what comes of this: upgrade.env: holds a name or value that no process can have; " +
        "upgrade.args: is no list of at most 256 texts; upgrade.volumes.0.source: is missing",
    );
  });
});

describe("envFrom", () => {
  const sources = (envFrom: Record<string, unknown>[]) => envSources({ envFrom }, "spec.prepare");

  it("reads what Kubernetes reads", () => {
    const [config, secret] = sources([
      { configMapRef: { name: "c", optional: true }, prefix: "P_" },
      { secretRef: { name: "s" } },
    ]);
    expect(config).toEqual({ kind: "ConfigMap", name: "c", prefix: "P_", isOptional: true });
    expect(variablesOf(config!, { data: { A: "1", "x=y": "no", N: 1 } })).toEqual({ P_A: "1" });
    const data = { A: Buffer.from("secret").toString("base64"), Z: Buffer.from("a\0b").toString("base64") };
    expect(variablesOf(secret!, { data })).toEqual({ A: "secret" });
    expect(variablesOf(secret!, {})).toEqual({});
  });

  it.each([
    [{}],
    [{ secretRef: {} }],
    [{ secretRef: { name: "a" }, configMapRef: { name: "b" } }],
    [{ secretRef: "a" }],
  ])("names an entry that is none: %j", (entry) => {
    expect(() => sources([{ secretRef: { name: "fine" } }, entry])).toThrow(
      "spec.prepare.envFrom[1]: needs either configMapRef.name or secretRef.name",
    );
  });
});
