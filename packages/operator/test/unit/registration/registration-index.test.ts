import { describe, expect, it } from "vitest";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import {
  registrationEntry,
  RegistrationIndex,
  type RegistrationEntry,
} from "../../../src/registration/registration-index.ts";
import { tokenDigest, type RegistrationSecret } from "../../../src/registration/token-secret.ts";

const nowMs = Date.UTC(2026, 0, 1);
const [A, B] = ["a".repeat(20), "b".repeat(20)];

function entry(name: string, spec: MachineRegistration["spec"] = {}): RegistrationEntry {
  const metadata = { name, namespace: "n", uid: `uid-${name}`, resourceVersion: "1" };
  return { metadata, registration: { metadata, spec }, unread: undefined };
}

function secret(registration: string, token: string, previous?: RegistrationSecret["previous"]): RegistrationSecret {
  return {
    metadata: { name: `registration-${registration}`, namespace: "n", uid: `s-${registration}`, resourceVersion: "1" },
    ownerUid: `uid-${registration}`,
    ownerName: registration,
    isOwned: true,
    token,
    registrationUrl: undefined,
    previous,
    rotation: 0,
  };
}

const nameOf = (answer: ReturnType<RegistrationIndex["withToken"]>): string =>
  "refusal" in answer ? answer.refusal : answer.registration.metadata.name;

describe("RegistrationIndex", () => {
  it("finds by the present token and, until it is over, by the previous one", () => {
    const index = new RegistrationIndex();
    index.put(entry("one"));
    expect(index.putSecret(secret("one", A, { token: B, expiresMs: nowMs + 1 }))).toEqual(["n/one"]);
    expect(index.withToken(A, nowMs)).toMatchObject({ byPreviousToken: false });
    expect(index.withToken(B, nowMs)).toMatchObject({ byPreviousToken: true });
    expect(nameOf(index.withToken(B, nowMs + 1))).toBe("REGISTRATION_UNKNOWN");
    expect(nameOf(index.withToken("nothing", nowMs))).toBe("REGISTRATION_UNKNOWN");
  });

  it("finds by the digest of a token what it finds by the token", () => {
    const index = new RegistrationIndex();
    index.put(entry("one"));
    index.putSecret(secret("one", A));
    expect(nameOf(index.withTokenDigest(tokenDigest(A), nowMs))).toBe("one");
    expect(nameOf(index.withTokenDigest(A, nowMs))).toBe("REGISTRATION_UNKNOWN");
    index.putSecret(secret("one", B));
    expect(nameOf(index.withTokenDigest(tokenDigest(A), nowMs))).toBe("REGISTRATION_UNKNOWN");
  });

  it("forgets tokens that changed, Secrets that are gone and registrations that are gone", () => {
    const index = new RegistrationIndex();
    index.putSecret(secret("one", A));
    index.put(entry("one"));
    expect(nameOf(index.withToken(A, nowMs))).toBe("one");
    index.putSecret(secret("one", B));
    expect([nameOf(index.withToken(A, nowMs)), nameOf(index.withToken(B, nowMs))]).toEqual([
      "REGISTRATION_UNKNOWN",
      "one",
    ]);
    index.deleteSecret(secret("one", B));
    expect(nameOf(index.withToken(B, nowMs))).toBe("REGISTRATION_UNKNOWN");
    index.putSecret(secret("one", B));
    index.delete(entry("one"));
    expect(nameOf(index.withToken(B, nowMs))).toBe("REGISTRATION_UNKNOWN");
  });

  it("serves neither of two with one token, and both again when one has changed", () => {
    const index = new RegistrationIndex();
    index.put(entry("one"));
    index.put(entry("two"));
    index.putSecret(secret("one", A));
    expect(index.putSecret(secret("two", A)).toSorted()).toEqual(["n/one", "n/two"]);
    expect([index.isShared("n/one", nowMs), index.isShared("n/two", nowMs)]).toEqual([true, true]);
    expect(nameOf(index.withToken(A, nowMs))).toBe("REGISTRATION_UNKNOWN");
    expect(index.putSecret(secret("two", B)).toSorted()).toEqual(["n/one", "n/two"]);
    expect(index.isShared("n/one", nowMs)).toBe(false);
    expect([nameOf(index.withToken(A, nowMs)), nameOf(index.withToken(B, nowMs))]).toEqual(["one", "two"]);
  });

  it.each<[string, MachineRegistration["spec"]]>([
    ["REGISTRATION_DISABLED", { disabled: true }],
    ["REGISTRATION_EXPIRED", { token: { expiresAt: "2026-01-01T00:00:00Z" } }],
    ["one", { disabled: false, token: { expiresAt: "2026-01-01T00:00:01Z" } }],
  ])("answers %s", (answer, spec) => {
    const index = new RegistrationIndex();
    index.put(entry("one", spec));
    index.putSecret(secret("one", A));
    expect(nameOf(index.withToken(A, nowMs))).toBe(answer);
  });

  describe("with a registration that cannot be read", () => {
    const metadata = { name: "one", namespace: "n", uid: "uid-one", resourceVersion: "1" };
    const roots = { configMapName: "roots" };

    function indexWith(object: object): RegistrationIndex {
      const index = new RegistrationIndex();
      const read = registrationEntry({ metadata, ...object });
      if (read !== undefined) index.put(read);
      index.putSecret(secret("one", A));
      index.putSecret({
        ...secret("two", B),
        metadata: { ...secret("two", B).metadata, name: "given" },
        ownerUid: undefined,
        ownerName: undefined,
        isOwned: false,
      });
      return index;
    }

    it.each<[string, object, string, string]>([
      ["by its own Secret", { spec: { disabled: "maybe" } }, A, "REGISTRATION_UNREADABLE"],
      [
        "by the Secret that it names",
        { spec: { disabled: "maybe", token: { secretName: "given", rotation: "x" } } },
        B,
        "REGISTRATION_UNREADABLE",
      ],
      [
        "not by that of another",
        { spec: { disabled: "maybe", token: { secretName: "given" } } },
        A,
        "REGISTRATION_UNKNOWN",
      ],
      [
        "by its own Secret where it names none that there can be",
        { spec: { token: { secretName: 7 } } },
        A,
        "REGISTRATION_UNREADABLE",
      ],
      ["not where it has no spec that could be one", { spec: "none" }, B, "REGISTRATION_UNKNOWN"],
    ])("finds it %s", (_what, object, token, answer) => {
      const index = indexWith(object);
      expect(nameOf(index.withToken(token, nowMs))).toBe(answer);
      expect(index.get("n/one")).toBeUndefined();
    });

    it.each<[string, object, object | undefined]>([
      [
        "its own anchors",
        { spec: { disabled: "maybe", attestation: { trustAnchors: roots } } },
        { trustAnchors: roots },
      ],
      [
        "them whatever is demanded of new machines",
        { spec: { attestation: { class: "confidential", trustAnchors: roots } } },
        { trustAnchors: roots },
      ],
      ["none where it names none", { spec: { disabled: "maybe" } }, undefined],
    ])("judges by %s", (_what, object, attestation) => {
      expect(indexWith(object).judging("n/one")?.spec.attestation).toEqual(attestation);
    });

    it("judges nobody where nobody can tell whom it refuses", () => {
      const [code, index] = ["REGISTRATION_UNREADABLE", new RegistrationIndex()];
      for (const attestation of [7, [], { trustAnchors: { configMapName: 7 } }, { expiredCertificates: "perhaps" }]) {
        expect(() => indexWith({ spec: { attestation } }).judging("n/one")).toThrow(expect.objectContaining({ code }));
      }
      const untold = indexWith({ spec: { token: { secretName: 7 }, attestation: { trustAnchors: roots } } });
      expect(() => untold.judging("n/one")).toThrow(expect.objectContaining({ code }));
      index.put(entry("one"));
      expect(index.judging("n/one")).toEqual(entry("one").registration);
      expect(index.judging("n/two")).toBeUndefined();
    });

    it("takes it as gone when it is being deleted, or when nothing names it", () => {
      const deleted = { ...metadata, deletionTimestamp: "2030-01-01T00:00:00Z" };
      for (const object of [{ metadata: deleted, spec: 7 }, { metadata: { ...metadata, uid: 7 }, spec: {} }, 7, null]) {
        expect(registrationEntry(object)).toBeUndefined();
      }
    });
  });

  it("keeps what the watch has shown where the answer to a write comes later", () => {
    const index = new RegistrationIndex();
    const at = (one: RegistrationEntry, version: string, uid = one.metadata.uid): RegistrationEntry => {
      const metadata = { ...one.metadata, resourceVersion: version, uid };
      return { ...one, metadata, registration: { ...one.registration, metadata } };
    };
    index.put(at(entry("one"), "1"));
    index.putSecret(secret("one", A));
    // Written by us as 2, disabled by an administrator as 3.
    index.put(at(entry("one", { disabled: true }), "3"));
    expect(index.renew(at(entry("one"), "2"))).toEqual([]);
    expect(nameOf(index.withToken(A, nowMs))).toBe("REGISTRATION_DISABLED");
    // Deleted and made again.
    index.put(at(entry("one", { disabled: true }), "5", "another"));
    index.renew(at(entry("one"), "4"));
    expect(index.get("n/one")?.metadata.uid).toBe("another");
    index.delete(entry("one"));
    index.renew(at(entry("one"), "4"));
    expect(index.get("n/one")).toBeUndefined();
    index.put(at(entry("one"), "6"));
    index.renew(at(entry("one", { disabled: true }), "7"));
    expect(nameOf(index.withToken(A, nowMs))).toBe("REGISTRATION_DISABLED");
  });

  it("keeps the token that the watch has shown where an older Secret is answered later", () => {
    const index = new RegistrationIndex();
    const at = (one: RegistrationSecret, version: string, uid = one.metadata.uid): RegistrationSecret => ({
      ...one,
      metadata: { ...one.metadata, resourceVersion: version, uid },
    });
    index.put(entry("one"));
    index.putSecret(at(secret("one", B), "3"));
    index.renewSecret(at(secret("one", A), "2"));
    expect([A, B].map((token) => nameOf(index.withToken(token, nowMs)))).toEqual(["REGISTRATION_UNKNOWN", "one"]);
    index.deleteSecret(secret("one", B));
    index.renewSecret(at(secret("one", B), "3"));
    expect(nameOf(index.withToken(B, nowMs))).toBe("REGISTRATION_UNKNOWN");
    index.putSecret(at(secret("one", A), "6", "another"));
    index.loseSecret(at(secret("one", B), "3"));
    index.renewSecret(at(secret("one", B), "4"));
    expect(nameOf(index.withToken(A, nowMs))).toBe("one");
    index.renewSecret(at(secret("one", B), "7", "another"));
    expect(nameOf(index.withToken(B, nowMs))).toBe("one");
  });
});
