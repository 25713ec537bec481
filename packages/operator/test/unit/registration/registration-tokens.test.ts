import { describe, expect, it } from "vitest";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { secretStep, tokenStateOf } from "../../../src/registration/registration-tokens.ts";
import { TokenHolders } from "../../../src/registration/token-holders.ts";
import {
  newSecret,
  ownSecretName,
  registrationSecret,
  secretFields,
  tokenDigest,
  type RegistrationSecret,
  type SecretContent,
} from "../../../src/registration/token-secret.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const nowMs = Date.UTC(2026, 0, 1);
const around = { serverUrl: "https://here", nowMs, random: (n: number) => new Uint8Array(n) };
const FRESH = "b".repeat(54);

function registration(spec: MachineRegistration["spec"], status: MachineRegistration["status"] = {}) {
  return { metadata: { name: "a", namespace: "n", uid: "u", resourceVersion: "1" }, spec, status };
}

/** The Secret as the API server hands it back. */
function stored(content: SecretContent, uid = "u"): RegistrationSecret {
  const body = newSecret({ ...registration({}), metadata: { ...registration({}).metadata, uid } }, content);
  const secret = registrationSecret({ ...body, metadata: { ...body.metadata, uid: "s", resourceVersion: "7" } });
  if (secret === undefined) throw new Error("no Secret");
  return secret;
}

const held: SecretContent = {
  token: TOKEN,
  registrationUrl: `https://here/v1-rancheros/registration/${TOKEN}`,
  previous: undefined,
  rotation: 0,
};

describe("the Secret of a registration", () => {
  it("comes back as it was written", () => {
    const previous = { token: FRESH, expiresMs: nowMs };
    expect(stored({ ...held, previous, rotation: 3 })).toMatchObject({ ...held, previous, rotation: 3, ownerUid: "u" });
    expect(secretFields(held).data.previousToken).toBeNull();
  });

  it("has a name that Kubernetes takes, however long the registration's is", () => {
    expect(ownSecretName("a")).toBe("registration-a");
    const [one, other] = [ownSecretName(`${"x".repeat(252)}a`), ownSecretName(`${"x".repeat(252)}b`)];
    expect(one.length).toBeLessThanOrEqual(253);
    expect(one).not.toBe(other);
  });

  it("is none of ours where its type is another", () => {
    expect(registrationSecret({ type: "Opaque", metadata: { name: "a", namespace: "n", uid: "s" } })).toBeUndefined();
  });
});

describe("secretStep", () => {
  it("makes a new token", () => {
    const url = `https://here/v1-rancheros/registration/${FRESH}`;
    expect(secretStep(registration({ token: { rotation: 4 } }), undefined, around)).toEqual({
      kind: "create",
      content: { token: FRESH, registrationUrl: url, previous: undefined, rotation: 4 },
    });
  });

  it("takes over the token of a status, which was made for no rotation", () => {
    const old = registration({ token: { rotation: 1 } }, { registrationToken: TOKEN });
    expect(secretStep(old, undefined, around)).toMatchObject({
      kind: "create",
      content: { token: TOKEN, rotation: 0 },
    });
  });

  it("has nothing to do where all is right, also while no address is known", () => {
    expect(secretStep(registration({}), stored(held), around)).toEqual({ kind: "none" });
    expect(secretStep(registration({}), stored(held), { ...around, serverUrl: undefined })).toEqual({ kind: "none" });
  });

  it.each([
    [undefined, 24 * 3_600_000],
    ["1h", 3_600_000],
    [30, 30_000],
  ])("rotates with an overlap of %s", (overlap, overlapMs) => {
    const token = { rotation: 1, ...(overlap === undefined ? {} : { overlap }) };
    expect(secretStep(registration({ token }), stored(held), around)).toMatchObject({
      kind: "update",
      isOnlyMoved: false,
      content: { token: FRESH, rotation: 1, previous: { token: TOKEN, expiresMs: nowMs + overlapMs } },
    });
  });

  it("rotates without overlap, once, and never back", () => {
    const step = secretStep(registration({ token: { rotation: 1, overlap: "0" } }), stored(held), around);
    expect(step).toMatchObject({ kind: "update", content: { previous: undefined } });
    const done = stored({ ...held, rotation: 1 });
    expect(secretStep(registration({ token: { rotation: 1 } }), done, around)).toEqual({ kind: "none" });
    expect(secretStep(registration({ token: { rotation: 0 } }), done, around)).toEqual({ kind: "none" });
  });

  // Whoever counts by the time, as `date +%s%N` tells it, counts beyond what JavaScript counts exactly.
  it.each([2 ** 53 - 1, 2 ** 53 + 2, 1_795_714_800_000_000_000, 2 ** 63])("rotates once to %d", (rotation) => {
    const step = secretStep(registration({ token: { rotation } }), stored(held), around);
    expect(step).toMatchObject({ kind: "update", content: { token: FRESH } });
    const written = step.kind === "update" ? step.content : held;
    // An int64, so that the status can say it.
    expect(BigInt(written.rotation)).toBeLessThan(2n ** 63n);
    const done = stored(written);
    expect(secretStep(registration({ token: { rotation } }), done, around)).toEqual({ kind: "none" });
    expect(tokenStateOf(registration({ token: { rotation } }), done)).toMatchObject({
      kind: "tokens",
      tokens: { rotation: written.rotation },
    });
  });

  it("rotates with an overlap of more years than there are dates for", () => {
    const step = secretStep(registration({ token: { rotation: 1, overlap: "9999999999h" } }), stored(held), around);
    const written = step.kind === "update" ? step.content : held;
    expect(stored(written).previous).toMatchObject({ token: TOKEN, expiresMs: written.previous?.expiresMs });
  });

  it("leaves the previous token for thirty days after its end, when a clock that was ahead is right again, and takes it away then", () => {
    const secret = stored({ ...held, previous: { token: FRESH, expiresMs: nowMs } });
    const keptMs = 30 * 24 * 3_600_000;
    for (const afterMs of [-1, 0, 49 * 3_600_000, keptMs - 1]) {
      expect(secretStep(registration({}), secret, { ...around, nowMs: nowMs + afterMs })).toEqual({ kind: "none" });
    }
    // It is nobody's token meanwhile.
    const state = tokenStateOf(registration({}), secret);
    const holders = new TokenHolders();
    holders.set("ns/r", state.kind === "tokens" ? state.tokens : undefined);
    expect(holders.onlyHolder(tokenDigest(FRESH), nowMs - 1)?.key).toBe("ns/r");
    expect(holders.onlyHolder(tokenDigest(FRESH), nowMs)).toBeUndefined();
    expect(secretStep(registration({}), secret, { ...around, nowMs: nowMs + keptMs })).toMatchObject({
      kind: "update",
      isOnlyMoved: false,
      content: { token: TOKEN, previous: undefined },
    });
  });

  it("follows the address", () => {
    const step = secretStep(registration({}), stored(held), { ...around, serverUrl: "https://there" });
    expect(step).toMatchObject({ kind: "update", isOnlyMoved: true });
  });

  it("does not take the Secret of a registration of the same name that is gone", () => {
    expect(secretStep(registration({}), stored(held, "gone"), around)).toEqual({ kind: "delete" });
    expect(tokenStateOf(registration({}), stored(held, "gone"))).toEqual({ kind: "none" });
  });

  describe("of a Secret that a backup brought back without its owner", () => {
    function restored(content: SecretContent, more: object = {}): RegistrationSecret {
      const body = newSecret(registration({}), content);
      const { ownerReferences: _lost, ...metadata } = body.metadata;
      const secret = registrationSecret({
        ...body,
        metadata: { ...metadata, uid: "s", resourceVersion: "7", ...more },
      });
      if (secret === undefined) throw new Error("no Secret");
      return secret;
    }

    it("makes it the registration's again, so that its token goes with it", () => {
      const update = { kind: "update", content: held, isOnlyMoved: false, isAdopted: true };
      expect(secretStep(registration({}), restored(held), around)).toEqual(update);
      // Nothing but the address changes then, as another replica may see it.
      const moved = secretStep(registration({}), restored(held), { ...around, serverUrl: "https://there" });
      expect(moved).toMatchObject({ kind: "update", isOnlyMoved: false, isAdopted: true });
      const rotated = secretStep(registration({ token: { rotation: 1 } }), restored(held), around);
      expect(rotated).toMatchObject({ kind: "update", content: { token: FRESH }, isAdopted: true });
      expect(tokenStateOf(registration({}), restored(held))).toMatchObject({
        kind: "tokens",
        tokens: { token: TOKEN },
      });
    });

    it.each([
      ["by hand, without what the operator writes onto its own", { annotations: {} }],
      ["of something else", { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x" }] }],
      ["of another name", { name: "registration-b" }],
    ])("leaves one alone that is %s", (_, more) => {
      expect(secretStep(registration({}), restored(held, more), around)).toEqual({ kind: "none" });
    });

    it("leaves one alone that the registration was given", () => {
      const given = registration({ token: { secretName: "registration-a" } });
      expect(secretStep(given, restored(held), around)).toEqual({ kind: "none" });
    });
  });

  it("leaves the Secret of another registration alone, whose name is cut to its own", () => {
    const long = { ...registration({}).metadata, name: "x".repeat(250), uid: "v" };
    const cut = { ...long, name: ownSecretName(long.name).slice("registration-".length), uid: "w" };
    expect(ownSecretName(cut.name)).toBe(ownSecretName(long.name));
    const body = newSecret({ ...registration({}), metadata: long }, held);
    const secret = registrationSecret({ ...body, metadata: { ...body.metadata, uid: "s", resourceVersion: "7" } });
    const other = { ...registration({}), metadata: cut };
    expect(secretStep(other, secret, around)).toEqual({ kind: "none" });
    const state = tokenStateOf(other, secret);
    expect(state).toMatchObject({ kind: "trouble", trouble: { reason: "TokenSecretTaken" } });
    expect(state.kind === "trouble" ? state.trouble.message : "").toContain(long.name);
    expect(tokenStateOf({ ...registration({}), metadata: long }, secret)).toMatchObject({ kind: "tokens" });
  });

  it("leaves a static Secret alone", () => {
    const own = registration({ token: { secretName: "mine", rotation: 9 } });
    expect(secretStep(own, stored(held, "gone"), around)).toEqual({ kind: "none" });
  });
});

describe("tokenStateOf", () => {
  it("says that a static Secret is missing, whatever the status says", () => {
    const own = registration({ token: { secretName: "mine" } }, { registrationToken: TOKEN });
    expect(tokenStateOf(own, undefined)).toMatchObject({ kind: "trouble", trouble: { reason: "TokenSecretMissing" } });
  });

  it.each(["short", "a".repeat(15), "a".repeat(129), `${"a".repeat(20)}\n`, `${"a".repeat(20)}/`, ""])(
    "does not take %j for a token",
    (token) => {
      const state = tokenStateOf(registration({ token: { secretName: "mine" } }), stored({ ...held, token }));
      expect(state).toMatchObject({ kind: "trouble", trouble: { reason: "TokenSecretInvalid" } });
      expect(token === "" || !JSON.stringify(state).includes(token)).toBe(true);
    },
  );

  it.each(["a".repeat(16), "Z9".repeat(64)])("takes %s", (token) => {
    const state = tokenStateOf(registration({ token: { secretName: "mine" } }), stored({ ...held, token }));
    expect(state).toMatchObject({ kind: "tokens", tokens: { token, previous: undefined } });
  });
});
