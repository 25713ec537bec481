/** The operator's own CA over decades, on a clock of the test's own. */
import { X509Certificate } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY_MS, makeCa } from "../../../src/tls/certificates.ts";
import { trustBundle, type TlsIdentity } from "../../../src/tls/identity.ts";
import { identityData, readIdentity, ROTATE_ANNOTATION } from "../../../src/tls/read-identity.ts";
import { at, caOf, certificatesOf, isBelieved, START_MS } from "./identity-at.ts";

const first = (): TlsIdentity => at(0, undefined).identity;

/** As a Secret keeps it. */
function secretOf(identity: TlsIdentity): object {
  const data = Object.entries(identityData(identity)).flatMap(([key, text]) =>
    text === null ? [] : [[key, Buffer.from(text).toString("base64")]],
  );
  return { metadata: { resourceVersion: "7" }, data: Object.fromEntries(data) as object };
}

describe("a CA of the operator", () => {
  it("is kept, its certificate renewed in time, and nothing is written in between", () => {
    const made = at(0, undefined);
    expect(made.step).toBe("made");
    expect(at(240, made.identity)).toEqual({ identity: made.identity, step: "kept" });
    expect(at(240, made.identity).identity).toBe(made.identity);
    const renewed = at(244, made.identity);
    expect(renewed.step).toBe("renewed");
    expect(renewed.identity.ca).toBe(made.identity.ca);
    expect(isBelieved(renewed.identity, certificatesOf(made.identity.ca.certificatePem), 244)).toBe(true);
  });

  it.each([0, 0x7f, 0x80, 0xff])("is a certificate whatever its serial number is: bytes %i", (byte) => {
    const made = makeCa(START_MS, (bytes) => Buffer.alloc(bytes, byte));
    expect(new X509Certificate(made.certificatePem).ca).toBe(true);
  });

  it("is good for machines whose clocks are a day late", () => {
    expect(isBelieved(first(), certificatesOf(first().ca.certificatePem), -0.9)).toBe(false);
    const made = first();
    expect(isBelieved(made, certificatesOf(trustBundle(made)), -0.9)).toBe(true);
  });

  it("gets a successor that is published thirty days before it signs, and who knows only the old one goes on to its end", () => {
    const old = first();
    const oldOnly = certificatesOf(old.ca.certificatePem);
    const announced = at(2_921, at(2_920, old).identity);
    expect(announced.step).toBe("announced");
    expect(certificatesOf(trustBundle(announced.identity))).toHaveLength(2);
    expect(announced.identity.ca).toEqual(old.ca);
    const waiting = at(2_950, announced.identity);
    expect(waiting.identity.ca).toEqual(old.ca);
    const rotated = at(2_952, waiting.identity);
    expect(rotated.step).toBe("rotated");
    expect(rotated.identity.ca.certificatePem).toBe(announced.identity.next?.certificatePem);
    const newOnly = certificatesOf(rotated.identity.ca.certificatePem);
    for (const trusted of [oldOnly, newOnly, certificatesOf(trustBundle(rotated.identity))]) {
      expect(isBelieved(rotated.identity, trusted, 2_952)).toBe(true);
    }
    // The chain's certificate of a stranger's CA helps nobody.
    expect(isBelieved(rotated.identity, certificatesOf(first().ca.certificatePem), 2_952)).toBe(false);
    const late = at(3_649, rotated.identity);
    expect(isBelieved(late.identity, oldOnly, 3_649)).toBe(true);
    const ended = at(3_651, late.identity);
    expect(isBelieved(ended.identity, oldOnly, 3_651)).toBe(false);
    expect(isBelieved(ended.identity, newOnly, 3_651)).toBe(true);
    expect(trustBundle(ended.identity)).toBe(`${rotated.identity.ca.certificatePem.trim()}\n`);
    expect(certificatesOf(ended.identity.serving.certificatePem)).toHaveLength(1);
  });

  it("is changed step by step where somebody asks for it", () => {
    const old = first();
    const announced = at(1, old, true);
    expect(announced.step).toBe("announced");
    expect(at(2, announced.identity).identity).toBe(announced.identity);
    const rotated = at(2, announced.identity, true);
    expect(rotated.step).toBe("rotated");
    expect(isBelieved(rotated.identity, certificatesOf(old.ca.certificatePem), 2)).toBe(true);
  });

  it("is replaced at once where nothing can be signed with it, and stays trusted", () => {
    const made = first();
    const lost = { ...made, ca: { ...made.ca, keyPem: "nonsense" } };
    // What it has signed serves on.
    expect(at(10, lost).step).toBe("kept");
    const replaced = at(300, lost);
    expect(replaced.step).toBe("made");
    expect(trustBundle(replaced.identity)).toContain(made.ca.certificatePem.trim());
    const published = at(2_930, first()).identity;
    const lostLater = {
      ...published,
      ca: { ...published.ca, keyPem: "" },
      serving: { certificatePem: "", keyPem: "" },
    };
    expect(at(2_931, lostLater)).toMatchObject({
      step: "rotated",
      identity: { ca: { keyPem: published.next?.keyPem } },
    });
  });

  it("of an operator that was away for nine years and a half is followed by one that is published first all the same", () => {
    const old = first();
    const oldOnly = certificatesOf(old.ca.certificatePem);
    const back = at(3_500, old);
    expect(back).toMatchObject({ step: "announced", identity: { ca: old.ca } });
    expect(isBelieved(back.identity, oldOnly, 3_500)).toBe(true);
    expect(at(3_529, back.identity).identity).toBe(back.identity);
    const rotated = at(3_531, back.identity);
    expect(rotated.step).toBe("rotated");
    expect(isBelieved(rotated.identity, oldOnly, 3_531)).toBe(true);
    expect(at(3_532, rotated.identity).identity).toBe(rotated.identity);
    expect(at(4_000, old)).toMatchObject({ step: "made", identity: { old: [] } });
  });

  it("never leaves out a machine that asks within the life of a CA that it was told of, whatever happens when", () => {
    const moves = fc.array(
      fc.record({ days: fc.integer({ min: 0, max: 400 }), asked: fc.integer({ max: 9, min: 0 }) }),
      {
        minLength: 5,
        maxLength: 25,
      },
    );
    fc.assert(
      fc.property(moves, (steps) => {
        let days = 0;
        let identity = first();
        let told: readonly X509Certificate[] = certificatesOf(trustBundle(identity));
        for (const move of steps) {
          days += move.days;
          const before = identity;
          const next = at(days, identity, move.asked === 0);
          identity = next.identity;
          // What was told before this step, when the operator was last there.
          const nowMs = START_MS + days * DAY_MS;
          const isAlive = told.some((one) => nowMs < one.validToDate.getTime());
          if (isAlive) expect(isBelieved(identity, told, days), `day ${days}: ${next.step}`).toBe(true);
          // Nothing is signed by a CA that was not in the bundle before, but where there is no other way.
          const isPublished = trustBundle(before).includes(identity.ca.certificatePem.trim());
          const hasEnded = new X509Certificate(before.ca.certificatePem).validToDate.getTime() <= nowMs;
          expect(isPublished || hasEnded).toBe(true);
          expect(at(days, identity).identity).toBe(identity);
          const kept = readIdentity(secretOf(identity))?.identity;
          expect(at(days, kept).identity).toBe(kept);
          told = certificatesOf(trustBundle(identity));
          expect(told.length).toBeLessThanOrEqual(6);
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe("a Secret that somebody has edited", () => {
  it("gives what is still one, and a rotation that is asked for", () => {
    const identity = at(2_930, first()).identity;
    const secret = secretOf(identity) as { readonly metadata: object; readonly data: Readonly<Record<string, string>> };
    const metadata = { resourceVersion: "7", uid: "u1", creationTimestamp: new Date(START_MS).toISOString() };
    expect(readIdentity({ ...secret, metadata })).toEqual({
      uid: "u1",
      resourceVersion: "7",
      createdMs: START_MS,
      isEmpty: false,
      identity: expect.anything() as unknown,
      isRotationAsked: false,
      isWhole: true,
      isAsStored: true,
    });
    const asked = { ...secret, metadata: { resourceVersion: "7", annotations: { [ROTATE_ANNOTATION]: "" } } };
    expect(readIdentity(asked)?.isRotationAsked).toBe(true);
    const nonsense = Buffer.from("-----BEGIN CERTIFICATE-----\nR09O\n-----END CERTIFICATE-----").toString("base64");
    for (const key of Object.keys(secret.data)) {
      for (const value of [nonsense, "", "%%%", undefined]) {
        const edited = readIdentity({ ...secret, data: { ...secret.data, [key]: value } })?.identity;
        // Whatever it is, an operator that reads it serves a certificate that its own bundle vouches for.
        const served = at(2_931, edited).identity;
        expect(isBelieved(served, certificatesOf(trustBundle(served)), 2_931), key).toBe(true);
      }
    }
    for (const data of [null, [], "text", 7]) expect(readIdentity({ ...secret, data })?.identity).toBeUndefined();
    for (const data of [null, undefined, {}]) expect(readIdentity({ ...secret, data })?.isEmpty).toBe(true);
    expect(readIdentity({ ...secret, data: { "tls.crt": "" } })?.isEmpty).toBe(false);
    for (const object of [undefined, null, "x", {}, { metadata: {} }]) expect(readIdentity(object)).toBeUndefined();
  });
});

describe("a CA is not lost", () => {
  it("where the clock lies before its beginning, as after a power cut", () => {
    const made = first();
    expect(at(-3, made)).toEqual({ identity: made, step: "kept" });
    expect(at(-3, made, false, ["another.example.com"]).identity).toBe(made);
    // Somebody's word counts, and whoever knows the old CA goes on once the clock is right again.
    const asked = at(-3, made, true);
    expect([asked.step, isBelieved(asked.identity, certificatesOf(trustBundle(asked.identity)), -3)]).toEqual([
      "rotated",
      true,
    ]);
    const right = at(1, asked.identity).identity;
    expect(isBelieved(right, certificatesOf(made.ca.certificatePem), 1)).toBe(true);
  });

  it.each<[string, (good: string) => string]>([
    ["is nonsense", () => "nonsense"],
    ["has one bad letter in it", (good) => good.replace(/[A-Za-z](?=[A-Za-z0-9+/=]*\n-----END)/, "*")],
    ["is gone", () => ""],
    ["is another one's", () => caOf(3_650, undefined).certificatePem],
    ["stands behind others", (good) => caOf(3_650, undefined).certificatePem + good],
  ])("where its certificate in the Secret %s, as long as somebody knows it and its key is there", (_what, edit) => {
    const told = at(0, first()).identity;
    const secret = secretOf(told) as { readonly data: Readonly<Record<string, string>> };
    const good = Buffer.from(secret.data["ca.crt"] ?? "", "base64").toString();
    const data = { ...secret.data, "ca.crt": Buffer.from(edit(good)).toString("base64") };
    const read = readIdentity({ ...secret, data }, { told: "", published: trustBundle(told) });
    expect(read).toMatchObject({ isWhole: true, isAsStored: false });
    const { identity } = at(1, read?.identity);
    expect([identity.ca.keyPem, identity.ca.certificatePem.trim()]).toEqual([
      told.ca.keyPem,
      told.ca.certificatePem.trim(),
    ]);
    expect(identity.serving).toEqual(told.serving);
    expect(isBelieved(identity, certificatesOf(trustBundle(told)), 1)).toBe(true);
  });

  it.each([
    ["this process has told", (pem: string) => ({ told: pem, published: "" })],
    ["the ConfigMap has", (pem: string) => ({ told: "", published: pem })],
  ])("where certificate and key of it are nonsense, as long as what it has signed is good and %s it", (_who, known) => {
    const told = at(0, first()).identity;
    const secret = secretOf(told) as { readonly data: Readonly<Record<string, string>> };
    const nonsense = Buffer.from("nonsense").toString("base64");
    const data = { ...secret.data, "ca.crt": nonsense, "ca.key": nonsense };
    const read = readIdentity({ ...secret, data }, known(trustBundle(told)));
    const { identity, step } = at(1, read?.identity);
    expect([step, read?.isAsStored]).toEqual(["kept", false]);
    expect(isBelieved(identity, certificatesOf(trustBundle(told)), 1)).toBe(true);
  });

  it("by what somebody else has written into the ConfigMap: none of it gets into what machines trust", () => {
    const told = at(0, first()).identity;
    const secret = secretOf(told) as { readonly data: Readonly<Record<string, string>> };
    const stranger = caOf(3_650, undefined).certificatePem;
    for (const keep of [["ca.key"], []]) {
      const data = Object.fromEntries(
        Object.entries(secret.data).filter(([key]) => !key.startsWith("ca.") || keep.includes(key)),
      );
      const nonsense = { ...data, "ca.crt": Buffer.from("nonsense").toString("base64") };
      const known = { told: "", published: stranger + trustBundle(told) };
      const { identity } = at(1, readIdentity({ ...secret, data: nonsense }, known)?.identity);
      expect(trustBundle(identity).trim()).toBe(told.ca.certificatePem.trim());
    }
  });

  it("but left behind where it was taken out of the Secret: that is how people take a CA out of use", () => {
    const told = at(0, first()).identity;
    const secret = secretOf(told) as { readonly data: Readonly<Record<string, string>> };
    const known = { told: trustBundle(told), published: trustBundle(told) };
    for (const taken of [["ca.crt", "ca.key"], Object.keys(secret.data)]) {
      const data = Object.fromEntries(Object.entries(secret.data).filter(([key]) => !taken.includes(key)));
      expect(readIdentity({ ...secret, data }, known)?.identity).toBeUndefined();
    }
  });

  it("of before 1.0, below which none may be: its successor waits until its last days, however often it is asked for", () => {
    const ca = caOf(3_650, 0, "rancheros-operator-ca");
    const old = at(0, { ...first(), ca }).identity;
    const announced = at(1, old, true);
    expect(announced).toMatchObject({ step: "announced", identity: { ca } });
    expect(at(2, announced.identity, true).identity.ca).toEqual(ca);
    expect(at(3_000, announced.identity).identity.ca).toEqual(ca);
    const late = at(3_634, announced.identity);
    expect(late.identity.ca).toEqual(ca);
    expect(at(3_636, late.identity)).toMatchObject({
      step: "rotated",
      identity: { ca: { keyPem: announced.identity.next?.keyPem } },
    });
  });
});
