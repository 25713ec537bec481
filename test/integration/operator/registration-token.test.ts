import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { visit } from "../../machine/visit.ts";
import {
  eventually,
  getObject,
  listInventories,
  makeRegistration,
  patchObject,
  patchStatus,
  removeObject,
} from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const TYPE = "rancheros.cattle.io/registration-token";
const target = inject("controlPlane");
const namespace = useNamespace(target, "registration-token");
const hidden = useNamespace(target, "registration-hidden");
const folder = mkdtempSync(path.join(tmpdir(), "registration-token-"));
const ak = generateAttestationKey("rsa");
const newTpm = () => createSoftwareTpm({ ak });
let replicas: readonly [OperatorProcess, OperatorProcess];

beforeAll(async () => {
  const options = { folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace };
  const first = await startOperator(options);
  replicas = [first, await startOperator({ ...options, name: "second", serverUrl: first.httpsUrl })];
});

afterAll(async () => {
  await Promise.all(replicas.map((one) => one.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const urlAt = (replica: OperatorProcess, token: string) => `${replica.httpUrl}/v1-rancheros/registration/${token}`;

async function secretOf(name: string, inside = namespace): Promise<Readonly<Record<string, string>>> {
  const secret: unknown = await getObject(target, "secret", inside, name);
  const data: unknown = typeof secret === "object" && secret !== null ? Reflect.get(secret, "data") : undefined;
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(String(value), "base64").toString()]),
  );
}

async function patch(name: string, spec: object): Promise<void> {
  await patchObject(target, "mreg", namespace, name, { spec });
}

async function reasonOf(name: string): Promise<string> {
  const status = (await getObject(target, "mreg", namespace, name))?.status;
  const conditions = (status?.["conditions"] ?? []) as readonly { readonly type: string; readonly reason: string }[];
  return conditions.find(({ type }) => type === "Ready")?.reason ?? "";
}

async function untilReason(name: string, reason: string): Promise<void> {
  await eventually(async () => ((await reasonOf(name)) === reason ? true : undefined), `${name} is ${reason}`);
}

/** Status and text of a plain GET at each replica. */
async function answers(token: string): Promise<readonly string[]> {
  return Promise.all(
    replicas.map(async (one) => {
      const answer = await fetch(urlAt(one, token));
      const text = await answer.text();
      return answer.status === 200 ? "200" : `${answer.status} ${text.trim()}`;
    }),
  );
}

async function untilAnswers(token: string, wanted: string): Promise<void> {
  await eventually(
    async () => ((await answers(token)).every((one) => one === wanted) ? true : undefined),
    `both replicas answer ${wanted}`,
  );
}

const GONE = "401 MachineRegistration does not exist";

function tokenSecret(name: string, token: string) {
  return { apiVersion: "v1", kind: "Secret", type: TYPE, metadata: { name, namespace }, stringData: { token } };
}

function registration(name: string, spec: object) {
  return { apiVersion: "rancheros.cattle.io/v1", kind: "MachineRegistration", metadata: { name, namespace }, spec };
}

describe("a registration's token", () => {
  it("is in a Secret that both replicas agree on and that goes with the registration", async () => {
    const made = await makeRegistration(target, namespace, "agreed");
    expect(await secretOf("registration-agreed")).toEqual({ token: made.token, registrationURL: made.url });
    const secret = await getObject(target, "secret", namespace, "registration-agreed");
    expect(Reflect.get(Object(secret), "type")).toBe(TYPE);
    const object = await getObject(target, "mreg", namespace, "agreed");
    expect(Reflect.get(Object(secret?.metadata), "ownerReferences")).toEqual([
      { apiVersion: "rancheros.cattle.io/v1", kind: "MachineRegistration", name: "agreed", uid: object?.metadata.uid },
    ]);
    const hash = createHash("sha256").update(made.token).digest("hex").slice(0, 16);
    expect(object?.status).toMatchObject({ tokenSecretName: "registration-agreed", tokenHash: hash, tokenRotation: 0 });
    await untilAnswers(made.token, "200");
  });

  it("of a status that the original wrote is taken over", async () => {
    const token = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
    await Promise.all(replicas.map((one) => one.stop()));
    await applyObjects(target, registration("old", {}));
    const status = { registrationToken: token, registrationURL: "https://old.example/x" };
    await patchStatus(target, "mreg", namespace, "old", status);
    const options = { folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace };
    const first = await startOperator({ ...options, name: "first-again" });
    replicas = [first, await startOperator({ ...options, name: "second-again", serverUrl: first.httpsUrl })];
    await untilAnswers(token, "200");
    await eventually(
      async () => ((await secretOf("registration-old"))["token"] === token ? true : undefined),
      "the Secret with the old token",
    );
    const taken = (await getObject(target, "mreg", namespace, "old"))?.status;
    expect(taken?.["registrationToken"]).toBe(token);
  });

  it("rotates: both tokens work while they overlap, then only the new one", async () => {
    const before = await makeRegistration(target, namespace, "rotated");
    await patch("rotated", { token: { rotation: 1, overlap: "6s" } });
    const after = await eventually(async () => {
      const { token = "" } = await secretOf("registration-rotated");
      return token !== "" && token !== before.token ? token : undefined;
    }, "a new token");
    await untilAnswers(after, "200");
    expect(await answers(before.token)).toEqual(["200", "200"]);
    const [first] = replicas;
    expect((await visit({ url: urlAt(first, before.token), tpm: newTpm() })).close?.code).toBe(1000);
    await untilAnswers(before.token, GONE);
    expect(await answers(after)).toEqual(["200", "200"]);
    // It is left in the Secret for a clock that is ahead, and says since when it is nobody's.
    const { previousToken, previousTokenExpiresAt = "" } = await secretOf("registration-rotated");
    expect(previousToken).toBe(before.token);
    expect(Date.parse(previousTokenExpiresAt)).toBeLessThanOrEqual(Date.now());
    const status = (await getObject(target, "mreg", namespace, "rotated"))?.status;
    expect(status).toMatchObject({ registrationToken: after, tokenRotation: 1 });
  });

  // What `date +%s%N` says, and the largest that the API server takes of us.
  it.each([1_795_714_800_000_000_000, 2 ** 63 - 1024])("rotates once to %d", async (rotation) => {
    const name = `counted-${rotation}`;
    const before = await makeRegistration(target, namespace, name);
    await patch(name, { token: { rotation } });
    const status = await eventually(async () => {
      const found = (await getObject(target, "mreg", namespace, name))?.status;
      return found?.["tokenRotation"] === rotation ? found : undefined;
    }, "the status has the rotation");
    const { token = "", previousToken } = await secretOf(`registration-${name}`);
    expect(status["registrationToken"]).toBe(token);
    // It was not rotated a second time, which would have made another one the previous.
    expect(previousToken).toBe(before.token);
    await untilAnswers(token, "200");
    expect(await answers(before.token)).toEqual(["200", "200"]);
  });

  it("may be given in a Secret, and is refused in a sentence where it is missing, weak or used twice", async () => {
    await applyObjects(target, registration("static", { token: { secretName: "mine" } }));
    await untilReason("static", "TokenSecretMissing");
    await applyObjects(target, tokenSecret("mine", "short"));
    await untilReason("static", "TokenSecretInvalid");
    const token = "Static0Token1For2Tests";
    await applyObjects(target, tokenSecret("mine", token));
    await untilReason("static", "URLPublished");
    await untilAnswers(token, "200");
    await applyObjects(target, tokenSecret("other", token));
    await applyObjects(target, registration("twin", { token: { secretName: "other" } }));
    await untilReason("twin", "TokenNotUnique");
    await untilReason("static", "TokenNotUnique");
    await untilAnswers(token, GONE);
    await removeObject(target, "mreg", namespace, "twin");
    await untilReason("static", "URLPublished");
    await untilAnswers(token, "200");
    expect(await getObject(target, "secret", namespace, "registration-static")).toBeUndefined();
  });

  it("expires, and a registration can be switched off", async () => {
    const made = await makeRegistration(target, namespace, "closed");
    await patch("closed", { disabled: true });
    await untilAnswers(made.token, "401 MachineRegistration is disabled");
    await untilReason("closed", "Disabled");
    await patch("closed", { disabled: false });
    await untilAnswers(made.token, "200");
    await patch("closed", { token: { expiresAt: new Date(Date.now() + 3_000).toISOString() } });
    await untilAnswers(made.token, "401 the token of this MachineRegistration has expired");
    await untilReason("closed", "TokenExpired");
    const count = await eventually(async () => {
      const status = (await getObject(target, "mreg", namespace, "closed"))?.status;
      return typeof status?.["refusedCount"] === "number" ? status : undefined;
    }, "refusals are counted");
    expect(Reflect.get(Object(count["lastRefusal"]), "reason")).toMatch(/^REGISTRATION_(DISABLED|EXPIRED)$/);
  });

  it("loses no refusal with a replica that stops", async () => {
    const made = await makeRegistration(target, namespace, "counted", { disabled: true });
    const place = { folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace };
    const third = await startOperator({ ...place, name: "third", serverUrl: replicas[0].httpsUrl });
    try {
      for (let count = 0; count < 5; count += 1) await visit({ url: urlAt(third, made.token), tpm: newTpm() });
    } finally {
      await third.stop();
    }
    expect((await getObject(target, "mreg", namespace, "counted"))?.status?.["refusedCount"]).toBe(5);
  });

  it("lets in no more machines than allowed, of twenty at once at two replicas; who is known comes again", async () => {
    const made = await makeRegistration(target, namespace, "full", { token: { maxMachines: 7 } });
    await untilAnswers(made.token, "200");
    const tpms = Array.from({ length: 20 }, newTpm);
    const outcomes = await Promise.all(
      tpms.map((tpm, index) => visit({ url: urlAt(replicas[index % 2 === 0 ? 0 : 1], made.token), tpm })),
    );
    const admitted = tpms.filter((_, index) => outcomes[index]?.close?.code === 1000);
    expect(admitted).toHaveLength(7);
    const there = (await listInventories(target, namespace)).filter(
      (one) => one.metadata.labels?.["rancheros.cattle.io/machine-registration"] === "full",
    );
    expect(there.map((one) => String(one.spec["tpm"])).toSorted()).toEqual(
      admitted.map((one) => one.ekHash).toSorted(),
    );
    const [again] = admitted;
    if (again === undefined) throw new Error("nobody was let in");
    expect((await visit({ url: urlAt(replicas[1], made.token), tpm: again })).close?.code).toBe(1000);
    await untilReason("full", "Full");
    await eventually(async () => {
      const status = (await getObject(target, "mreg", namespace, "full"))?.status;
      return status?.["machineCount"] === 7 && Number(status["refusedCount"]) >= 13 ? true : undefined;
    }, "machines and refusals are counted");
  });

  it("is asked for as often as the registration allows, and who guesses is made to wait", async () => {
    const made = await makeRegistration(target, namespace, "slow", { rateLimit: { perSourcePerMinute: 2 } });
    await untilAnswers(made.token, "200");
    const [first] = replicas;
    const visits = [];
    for (let count = 0; count < 3; count += 1) {
      // A look at the cloud config is no visit.
      await (await fetch(urlAt(first, made.token))).text();
      visits.push(await visit({ url: urlAt(first, made.token), tpm: newTpm() }));
    }
    expect(visits.map((one) => one.status)).toEqual([101, 101, 429]);
    expect(visits[2]?.text).toBe("too many visits, come back later");
    const statuses: number[] = [];
    for (let count = 0; count < 70; count += 1) {
      const answer = await fetch(urlAt(first, `guess${count}`));
      await answer.text();
      statuses.push(answer.status);
      if (answer.status === 429) expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(statuses.includes(429)).toBe(true);
    expect((await fetch(urlAt(first, made.token))).status).toBe(200);
  });
});

describe("--token-in-status=false", () => {
  it("leaves no token in the status, also where one was, and none in the log", async () => {
    const options = { folder, kubeconfigPath: target.kubeconfigPath, namespace: hidden, watchNamespace: hidden };
    const open = await startOperator({ ...options, name: "open" });
    const made = await makeRegistration(target, hidden, "quiet");
    await open.stop();
    const closed = await startOperator({ ...options, name: "closed", flags: ["--token-in-status=false"] });
    try {
      const stored = await eventually(async () => {
        const text = JSON.stringify(await getObject(target, "mreg", hidden, "quiet"));
        return text.includes(made.token) ? undefined : text;
      }, "the token is out of the status");
      expect(stored).toContain('"managedFields":');
      expect(stored).toContain('"tokenHash":');
      expect(stored).toContain("the URL of Secret registration-quiet");
      expect((await secretOf("registration-quiet", hidden))["token"]).toBe(made.token);
      expect((await fetch(urlAt(closed, made.token))).status).toBe(200);
      await sleep(500);
      expect(open.log() + closed.log()).not.toContain(made.token);
    } finally {
      await closed.stop();
    }
  });
});
