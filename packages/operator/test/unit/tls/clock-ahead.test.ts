/** The operator's CA and a cluster's clock that was years ahead for a while, or behind: what machines trust has to come back. */
import type { X509Certificate } from "node:crypto";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { trustBundle, type TlsIdentity } from "../../../src/tls/identity.ts";
import { identityData, readIdentity } from "../../../src/tls/read-identity.ts";
import { at, caOf, certificatesOf, isBelieved, START_MS, type Told } from "./identity-at.ts";
import { cluster, SECRET, stopReplicas, replica } from "./tls-replica.ts";

const YEAR_DAYS = 365;
const DAY_MS = 86_400_000;
const BEGINS_LATER = /^the CA begins in a time to come/;

/** As it comes back from the Secret. */
function reread(identity: TlsIdentity): TlsIdentity {
  const data = Object.entries(identityData(identity)).flatMap(([key, text]) =>
    text === null ? [] : [[key, Buffer.from(text).toString("base64")]],
  );
  const read = readIdentity({ metadata: { resourceVersion: "7" }, data: Object.fromEntries(data) as object })?.identity;
  if (read === undefined) throw new Error("no CA in the Secret");
  return read;
}

/** What becomes of it at these days, one after the other; each is settled at the second look. */
function after(stored: TlsIdentity, ...days: readonly number[]): TlsIdentity {
  return days.reduce((identity, day) => {
    const next = reread(at(day, reread(identity)).identity);
    expect(at(day, next).identity, `day ${day}`).toBe(next);
    return next;
  }, stored);
}

const first = (): TlsIdentity => at(0, undefined).identity;
const alone = ({ ca }: TlsIdentity): readonly X509Certificate[] => certificatesOf(ca.certificatePem);
const keyOf = ({ ca }: TlsIdentity): string => ca.keyPem.trim();

afterEach(stopReplicas);

describe("a clock that was past the CA's end", () => {
  it.each([[11], [25], [69]])("for a minute, %i years ahead, takes no machine's CA away", (years) => {
    const old = first();
    const ahead = at(years * YEAR_DAYS, old);
    expect(ahead.step).toBe("made");
    expect(isBelieved(ahead.identity, certificatesOf(trustBundle(ahead.identity)), years * YEAR_DAYS)).toBe(true);
    const right = at(1, reread(ahead.identity));
    expect([right.step, keyOf(right.identity)]).toEqual(["returned", keyOf(old)]);
    expect(isBelieved(right.identity, alone(old), 1)).toBe(true);
    expect(trustBundle(right.identity)).toBe(trustBundle(old));
    expect(at(1, reread(right.identity)).step).toBe("kept");
  });

  it("again and again makes no CA anew that there was, and loses none", () => {
    const old = first();
    const ahead = after(old, 11 * YEAR_DAYS);
    const again = after(ahead, 1, 11.1 * YEAR_DAYS);
    expect(keyOf(again)).toBe(keyOf(ahead));
    const often = after(again, 2, 22 * YEAR_DAYS, 33 * YEAR_DAYS, 44 * YEAR_DAYS, 55 * YEAR_DAYS, 66 * YEAR_DAYS, 3);
    expect(keyOf(often)).toBe(keyOf(old));
    expect(isBelieved(often, alone(old), 3)).toBe(true);
  });

  it("or was wrong in any other way, however often, leaves out no machine that asks within the life of a CA that it was told of", () => {
    const wrongYears = fc.array(fc.constantFrom(1, 2.5, 5, 8.5, 9.97, 11, 25, 60, -0.02, -3), { maxLength: 3 });
    const looks = fc.record({ days: fc.nat(300), wrongYears, asked: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(looks, { minLength: 5, maxLength: 15 }), (all) => {
        let days = 0;
        let identity = first();
        let told = [certificatesOf(trustBundle(identity))];
        for (const look of all) {
          days += look.days;
          for (const years of look.wrongYears) identity = reread(at(days + years * YEAR_DAYS, identity).identity);
          identity = reread(at(days, identity, look.asked === 0).identity);
          for (const trusted of told) {
            const isAlive = trusted.some((one) => START_MS + days * DAY_MS < one.validToDate.getTime());
            if (isAlive) expect(isBelieved(identity, trusted, days), `day ${days}`).toBe(true);
          }
          expect(at(days, identity).identity, `day ${days}`).toBe(identity);
          expect(Math.max(identity.aside.length, identity.crosses.length)).toBeLessThanOrEqual(8);
          // Those who came now, and those who were told at one of the two looks before.
          told = [certificatesOf(trustBundle(identity)), ...told].slice(0, 3);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("keeps a bounded number of CAs, however often one is set aside", () => {
    const far = Array.from({ length: 40 }, (_, turn) => (turn + 1) * 11 * YEAR_DAYS);
    expect(after(first(), ...far).aside).toHaveLength(8);
  });

  it("while the successor was published already leaves to who knows only the old one the way to it", () => {
    const old = first();
    const announced = at(2_921, old).identity;
    const ahead = at(11 * YEAR_DAYS, announced);
    expect([ahead.step, ahead.identity.ca.keyPem]).toEqual(["rotated", announced.next?.keyPem]);
    const right = after(ahead.identity, 2_960);
    expect(isBelieved(right, alone(old), 2_960)).toBe(true);
    expect(trustBundle(right)).toContain(old.ca.certificatePem.trim());
  });

  it("past the successor's end as well, and the CA had truly ended meanwhile: then the successor signs", () => {
    const announced = at(2_921, first()).identity;
    const published = certificatesOf(announced.next?.certificatePem ?? "");
    const right = after(announced, 3_660 + 11 * YEAR_DAYS, 3_660);
    expect(isBelieved(right, published, 3_660)).toBe(true);
    expect(keyOf(right)).toBe(announced.next?.keyPem.trim());
  });

  it("after the successor began to sign leaves to who knows only the old one the way to it", () => {
    const old = first();
    const rotated = at(2_960, at(2_921, old).identity).identity;
    const ahead = after(rotated, 3_660);
    expect(trustBundle(ahead)).not.toContain(old.ca.certificatePem.trim());
    expect(isBelieved(ahead, alone(rotated), 3_660)).toBe(true);
    const right = after(ahead, 2_970);
    expect(isBelieved(right, alone(old), 2_970)).toBe(true);
    expect(trustBundle(right).trim()).toBe(trustBundle(rotated).trim());
  });

  it("says at the time's change that the trusted CAs are others, not that somebody has edited the Secret", async () => {
    const api = cluster();
    const one = await replica(api);
    const before = api.data(SECRET)?.["ca.key"];
    api.pass(11 * YEAR_DAYS * DAY_MS);
    await one.look();
    expect(api.data(SECRET)?.["ca.key"]).not.toBe(before);
    api.pass(-11 * YEAR_DAYS * DAY_MS);
    await one.look();
    expect(api.data(SECRET)?.["ca.key"]).toBe(before);
    expect(one.said.filter((sentence) => sentence.includes("signs again"))).toHaveLength(1);
  });

  it("does not bring back a CA that was taken out of the Secret on purpose", () => {
    const ahead = after(first(), 11 * YEAR_DAYS);
    const data = Object.entries(identityData(ahead)).flatMap(([key, text]) =>
      text === null || key === "ca.crt" || key === "ca.key" ? [] : [[key, Buffer.from(text).toString("base64")]],
    );
    const taken = { metadata: { resourceVersion: "7" }, data: Object.fromEntries(data) as object };
    expect(readIdentity(taken)?.identity).toBeUndefined();
    expect(identityData(first())).toMatchObject({ "aside.crt": null, "aside.key": null, "ended.crt": null });
  });

  it("sets no CA aside that could sign nothing: it is made anew as before", () => {
    const keyless = { ...first(), ca: { ...first().ca, keyPem: "nonsense" } };
    const made = at(11 * YEAR_DAYS, keyless);
    expect([made.step, made.identity.aside]).toEqual(["made", []]);
  });
});

describe("a CA that was made while the clock was ahead", () => {
  const future = (): TlsIdentity => at(400, undefined).identity;

  it("stays until somebody asks: machines may have pinned it, and it may be the clock that is wrong now", () => {
    const made = future();
    expect(at(0, made)).toEqual({ identity: made, step: "kept" });
  });

  it("is followed at once by one of the present where somebody asks, and stays trusted", () => {
    const made = future();
    const asked: Told = at(0, made, true);
    expect(asked.step).toBe("rotated");
    expect(isBelieved(asked.identity, certificatesOf(trustBundle(asked.identity)), 0)).toBe(true);
    expect(isBelieved(asked.identity, alone(asked.identity), 0)).toBe(true);
    // Who pinned it meanwhile, by a clock that is ahead still.
    expect(isBelieved(asked.identity, alone(made), 401)).toBe(false);
    const later = after(asked.identity, 0, 300, 401);
    expect(isBelieved(later, alone(made), 401)).toBe(true);
    expect(keyOf(later)).toBe(keyOf(asked.identity));
  });

  it("is followed where its key is gone, too", () => {
    const made = future();
    const asked = at(0, { ...made, ca: { ...made.ca, keyPem: "nonsense" } }, true);
    expect(asked.step).toBe("rotated");
    expect(isBelieved(asked.identity, alone(asked.identity), 0)).toBe(true);
  });

  it("is followed although it lets none below it", () => {
    const made = { ...first(), ca: caOf(3_650, 0) };
    const asked = at(-10, made, true);
    expect(asked.step).toBe("rotated");
    expect(isBelieved(asked.identity, alone(asked.identity), -10)).toBe(true);
  });

  it("is told of in the log once, not at each look, with the time from which machines take it", async () => {
    const api = cluster();
    const one = await replica(api);
    api.pass(-400 * DAY_MS);
    for (let looks = 0; looks < 5; looks += 1) await one.look();
    expect(one.said.filter((sentence) => BEGINS_LATER.test(sentence))).toHaveLength(1);
    api.pass(400 * DAY_MS);
    await one.look();
    api.pass(-400 * DAY_MS);
    await one.look();
    expect(one.said.filter((sentence) => BEGINS_LATER.test(sentence))).toHaveLength(2);
    const two = await replica(api);
    expect(two.said.filter((sentence) => BEGINS_LATER.test(sentence))).toHaveLength(1);
  });

  it("is followed where somebody annotates the Secret, and the annotation goes", async () => {
    const api = cluster();
    const one = await replica(api);
    const before = one.ca();
    api.pass(-400 * DAY_MS);
    await one.look();
    expect(one.ca()).toBe(before);
    api.annotate(SECRET, "rancheros.cattle.io/rotate-ca", "now");
    await one.look();
    const [ca] = certificatesOf(one.ca());
    expect(ca?.validFromDate.getTime()).toBe(START_MS - 401 * DAY_MS);
    expect(certificatesOf(one.ca())).toHaveLength(2);
    expect(api.annotations(SECRET)).toEqual({});
    await one.look();
    expect(certificatesOf(one.ca())[0]?.fingerprint256).toBe(ca?.fingerprint256);
  });
});
