/** CAs that somebody made for less than ten years, or below which no CA may be: when they are left for their successors. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY_MS, type CertificateAndKey } from "../../../src/tls/certificates.ts";
import { trustBundle, type TlsIdentity } from "../../../src/tls/identity.ts";
import { at, caOf, certificatesOf, isBelieved, START_MS } from "./identity-at.ts";

/** What a Secret holds in which somebody has put this CA. */
function storedWith(ca: CertificateAndKey): TlsIdentity {
  return {
    ca,
    next: undefined,
    crosses: [],
    old: [],
    ended: [],
    aside: [],
    serving: { certificatePem: "", keyPem: "" },
  };
}

describe("a CA of somebody's own, however short its life is and whether others may be below it", () => {
  it("signs until its successor was published, and nobody who was told of its CAs is left out", () => {
    const life = fc.oneof(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 61, max: 800 }), fc.constant(3_650));
    const moves = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 5, maxLength: 25 });
    fc.assert(
      fc.property(
        life,
        fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
        moves,
        (lifeDays, pathLength, steps) => {
          const own = caOf(lifeDays, pathLength);
          let days = 0;
          let identity = at(days, storedWith(own)).identity;
          expect(identity.ca.keyPem).toBe(own.keyPem);
          let told = certificatesOf(trustBundle(identity));
          for (const move of steps) {
            days += (move / 3_650) * lifeDays;
            const before = identity;
            const next = at(days, identity);
            identity = next.identity;
            const nowMs = START_MS + days * DAY_MS;
            const what = `day ${days} of ${lifeDays}: ${next.step}`;
            if (told.some((one) => nowMs < one.validToDate.getTime())) {
              expect(isBelieved(identity, told, days), what).toBe(true);
            }
            expect(trustBundle(before).includes(identity.ca.certificatePem.trim()), what).toBe(true);
            // Whom nothing leads to the successor goes on for as long as the alert for certificates allows.
            const isLeft = pathLength !== undefined && lifeDays - days > 15;
            if (isLeft) expect(identity.ca.keyPem, what).toBe(own.keyPem);
            if (pathLength === undefined || isLeft) {
              const isAlive = days < lifeDays;
              expect(isBelieved(identity, certificatesOf(own.certificatePem), days), what).toBe(isAlive);
            }
            // Nothing is written at each look, however little is left.
            expect(at(days, identity).identity).toBe(identity);
            expect(at(days + 0.001, identity).step, what).not.toBe("renewed");
            told = certificatesOf(trustBundle(identity));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    [300, undefined, 30],
    [40, undefined, 20],
    [300, 0, 285],
    [40, 0, 25],
    [20, 0, 10],
  ])(
    "of %i days and path length %s is followed after %i days, with no more than one certificate until then",
    (life, pathLength, signs) => {
      let { identity, step } = at(0, storedWith(caOf(life, pathLength)));
      expect(step).toBe("announced");
      const { ca, serving } = identity;
      for (let days = 0; days < signs; days += 0.5) {
        ({ identity, step } = at(days, identity));
        expect([step, identity.ca, identity.serving]).toEqual(["kept", ca, serving]);
      }
      expect(at(signs + 0.01, identity).step).toBe("rotated");
    },
  );
});
