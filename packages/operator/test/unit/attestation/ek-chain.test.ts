import { createPrivateKey, createPublicKey } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { trustAnchors } from "../../../src/attestation/index.ts";
import type { TrustAnchors } from "../../../src/attestation/index.ts";
import {
  basicConstraints,
  createAuthority,
  createCertificate,
  keyUsage,
  pemOf,
  type CertificateParts,
  type MadeAuthority,
} from "../../../../../test/software-tpm/index.ts";
import { root, ek, verdictOf, codeOf } from "./ek-certificates.ts";

describe("chains", () => {
  function ladder(authorities: number): { readonly anchors: TrustAnchors; readonly lowest: MadeAuthority } {
    const made = [createAuthority("level 0", undefined, { keyType: "ec" })];
    for (let level = 1; level < authorities; level += 1) {
      made.push(createAuthority(`level ${level}`, made[level - 1], { keyType: "ec" }));
    }
    const intermediates = made.slice(1).map(({ pem }) => pem);
    const built = trustAnchors({ virtual: made[0]?.pem ?? "", intermediate: intermediates.join("") });
    return { anchors: built, lowest: made.at(-1) ?? root };
  }

  it("may have five authorities and no more", () => {
    const five = ladder(5);
    expect(codeOf(verdictOf(ek({}, five.lowest), five.anchors))).toBe("virtual");
    const six = ladder(6);
    expect(codeOf(verdictOf(ek({}, six.lowest), six.anchors))).toBe("EK_CHAIN_TOO_LONG");
  });

  it("that go in circles and branch at every step end soon", () => {
    const names = Array.from({ length: 12 }, () => "The Same CA");
    const made = names.map((name) => createAuthority(name, undefined, { keyType: "ec" }));
    // All sign for all: each has the name that the others name as their issuer.
    const cross = made.flatMap((below) =>
      made.map((above) => pemOf(createCertificate(above.key, crossParts(below, above)))),
    );
    const circle = trustAnchors({ hardware: root.pem, intermediate: cross.join("") });
    expect(circle.intermediates).toHaveLength(144);
    const der = ek({}, made[0] ?? root);
    const judge = (): void => expect(codeOf(verdictOf(der, circle))).not.toBe("hardware");
    // Each signature takes a part of a millisecond: of 12 by 12 ways, not of 12 to the power of 5.
    expect(cpuMsOf(judge)).toBeLessThan(SOON_MS);
  });

  function crossParts(below: MadeAuthority, above: MadeAuthority): CertificateParts {
    const spkiDer = createPublicKey(createPrivateKey(below.key.export({ format: "pem", type: "pkcs8" })));
    return {
      spkiDer: spkiDer.export({ format: "der", type: "spki" }),
      subject: below.name,
      issuer: above.name,
      extensions: [basicConstraints(true), keyUsage(0x04)],
    };
  }
});

describe("any certificate", () => {
  const honest = ek();
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant("set"), at: fc.nat(honest.length - 1), bytes: fc.uint8Array({ maxLength: 3 }) }),
    fc.record({ kind: fc.constant("insert"), at: fc.nat(honest.length - 1), bytes: fc.uint8Array({ maxLength: 3 }) }),
    fc.record({ kind: fc.constant("cut"), at: fc.nat(honest.length - 1), bytes: fc.uint8Array({ maxLength: 3 }) }),
  );

  it("is vouched for only as it was signed, and nothing throws", () => {
    fc.assert(
      fc.property(mutation, ({ kind, at, bytes }) => {
        const skipped = kind === "insert" ? 0 : bytes.length;
        const middle = kind === "cut" ? Buffer.alloc(0) : bytes;
        const mutated = Buffer.concat([honest.subarray(0, at), middle, honest.subarray(at + skipped)]);
        const verdict = verdictOf(mutated);
        const isSame = mutated.subarray(0, honest.length).equals(honest);
        expect(codeOf(verdict) === "hardware").toBe(isSame);
      }),
      { numRuns: 5_000 },
    );
  });

  it("of random bytes is nobody's", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(verdictOf(Buffer.from(bytes)).class).toBe("none");
      }),
    );
  });
});
