import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { trustAnchors } from "../../../src/attestation/index.ts";
import type { TrustAnchors } from "../../../src/attestation/index.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  createAuthority,
  createCertificate,
  ekExtensions,
  extension,
  keyUsage,
  pemOf,
  subjectKeyIdentifier,
  type CertificateParts,
  type MadeAuthority,
} from "../../../../../test/software-tpm/index.ts";
import { root, ek, verdictOf, codeOf } from "./ek-certificates.ts";
import { hex } from "./swtpm-vectors.ts";

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

  it("may have eight authorities and no more", () => {
    const eight = ladder(8);
    expect(codeOf(verdictOf(ek({}, eight.lowest), eight.anchors))).toBe("virtual");
    const nine = ladder(9);
    expect(codeOf(verdictOf(ek({}, nine.lowest), nine.anchors))).toBe("EK_CHAIN_TOO_LONG");
  });

  it.each([
    ["", false],
    [", also where each names its key and the one above", true],
  ])("that go in circles and branch at every step end soon%s", (_how, named) => {
    const names = Array.from({ length: 12 }, () => "The Same CA");
    const made = names.map((name) => createAuthority(name, undefined, { keyType: "ec" }));
    // All sign for all: each has the name that the others name as their issuer.
    const cross = made.flatMap((below) =>
      made.map((above) => pemOf(createCertificate(above.key, crossParts(below, above, named)))),
    );
    const circle = trustAnchors({ hardware: root.pem, intermediate: cross.join("") });
    expect(circle.intermediates).toHaveLength(144);
    const der = ek({}, made[0] ?? root);
    const judge = (): void => expect(codeOf(verdictOf(der, circle))).not.toBe("hardware");
    // Each signature takes a part of a millisecond: of 12 by 12 ways, not of 12 to the power of 8.
    expect(cpuMsOf(judge)).toBeLessThan(SOON_MS);
  });

  function crossParts(below: MadeAuthority, above: MadeAuthority, named: boolean): CertificateParts {
    const id = ({ der }: MadeAuthority): Buffer => createHash("sha1").update(der).digest();
    const ids = named ? [subjectKeyIdentifier(id(below)), authorityKeyIdentifier(id(above))] : [];
    const spkiDer = createPublicKey(createPrivateKey(below.key.export({ format: "pem", type: "pkcs8" })));
    return {
      spkiDer: spkiDer.export({ format: "der", type: "spki" }),
      subject: below.name,
      issuer: above.name,
      extensions: [basicConstraints(true), keyUsage(0x04), ...ids],
    };
  }
});

describe("forty hypervisor hosts, each with an authority that swtpm has named", () => {
  const keyType = "ec";
  interface Host {
    readonly top: MadeAuthority;
    readonly between: MadeAuthority;
    readonly der: Buffer;
  }

  /** @param idsOf  what the certificates say of keys: root, intermediate, and who signed the EK's certificate */
  function hosts(count: number, idsOf: (host: number) => readonly [Buffer[], Buffer[], Buffer[]]): readonly Host[] {
    const ca = [basicConstraints(true), keyUsage(0x04)];
    return Array.from({ length: count }, (_none, host) => {
      const [above, own, below] = idsOf(host);
      const top = createAuthority("swtpm-localca-rootca", undefined, { keyType, extensions: [...ca, ...above] });
      const between = createAuthority("swtpm-localca", top, { keyType, extensions: [...ca, ...own] });
      return { top, between, der: ek({ extensions: [...ekExtensions(), ...below] }, between) };
    });
  }

  function anchorsOf(given: readonly Host[]): TrustAnchors {
    return trustAnchors({
      virtual: given.map(({ top }) => top.pem).join(""),
      intermediate: given.map(({ between }) => between.pem).join(""),
    });
  }

  const idOf = (host: number, level: number): Buffer => Buffer.from([level, host]);
  const named = hosts(40, (host) => [
    [subjectKeyIdentifier(idOf(host, 0))],
    [subjectKeyIdentifier(idOf(host, 1)), authorityKeyIdentifier(idOf(host, 0))],
    [authorityKeyIdentifier(idOf(host, 1))],
  ]);

  it("are told apart by the keys that their certificates name", () => {
    const all = anchorsOf(named);
    expect(all.problems).toEqual([]);
    expect(named.map(({ der }) => codeOf(verdictOf(der, all)))).toEqual(named.map(() => "virtual"));
  });

  it("vouch for nobody whose certificate names another key, or none of theirs", () => {
    const [first] = named;
    if (first === undefined) throw new Error("no host");
    const of = (id: Buffer, signer = first.between.key): Buffer =>
      ek({ signer, extensions: [...ekExtensions(), authorityKeyIdentifier(id)] }, first.between);
    expect(codeOf(verdictOf(of(idOf(99, 1)), anchorsOf(named)))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    // The name of a key is no proof: what it has signed is.
    expect(codeOf(verdictOf(of(idOf(0, 1), root.key), anchorsOf(named)))).toBe("EK_CERTIFICATE_SIGNATURE");
    expect(codeOf(verdictOf(of(idOf(7, 1)), anchorsOf(named)))).toBe("EK_CERTIFICATE_SIGNATURE");
  });

  it.each<[string, Buffer[]]>([
    ["names no key", []],
    ["names its issuer by serial number only", [extension("551d23", false, hex("3003820107"))]],
    ["has an identifier that cannot be read", [extension("551d23", false, hex("3005800701"))]],
    ["has bytes behind it", [extension("551d23", false, Buffer.concat([hex("30038001"), hex("0700")]))]],
  ])("are looked at one by one where a certificate %s", (_what, below) => {
    const few = hosts(3, (host) => [[], [subjectKeyIdentifier(idOf(host, 1))], below]);
    expect(few.map(({ der }) => codeOf(verdictOf(der, anchorsOf(few))))).toEqual(few.map(() => "virtual"));
  });

  it("are said to be too many to look at where nothing tells them apart", () => {
    const unnamed = hosts(40, () => [[], [], []]);
    const all = anchorsOf(unnamed);
    expect(codeOf(verdictOf(unnamed[0]?.der, all))).toBe("virtual");
    expect(codeOf(verdictOf(unnamed[39]?.der, all))).toBe("EK_CHAIN_AMBIGUOUS");
    const hash = createHash("sha256")
      .update(unnamed[0]?.between.der ?? "")
      .digest("hex");
    const refused = { ...all, refused: new Set([hash]) };
    expect(codeOf(verdictOf(unnamed[0]?.der, refused))).toBe("EK_CERTIFICATE_REFUSED");
  });
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
