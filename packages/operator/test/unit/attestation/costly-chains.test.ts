import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { EK_CHAIN_MAX_BYTES, EK_CHAIN_MAX_CERTIFICATES } from "@rancheros/protocol/attestation";
import { describe, expect, it } from "vitest";
import { trustAnchors, verifyEkCertificate, withSentIntermediates } from "../../../src/attestation/index.ts";
import { cpuMsOf } from "../../../../../test/cpu-ms-of.ts";
import { createAuthority, type MadeAuthority } from "../../../../../test/software-tpm/index.ts";
import { codeOf, ek, NOW, root } from "./ek-certificates.ts";

/** What docs/security.md promises for each input. */
const INPUT_MS = 50;

/** An RSA key whose public exponent is as long as its modulus: the private one of another key, which is short instead. */
function withLongExponent(bits: number): KeyObject {
  const jwk = generateKeyPairSync("rsa", { modulusLength: bits }).privateKey.export({ format: "jwk" });
  const { d = "", e = "" } = jwk;
  return createPrivateKey({ format: "jwk", key: { ...jwk, e: d, d: e, dp: e, dq: e } });
}

/** As many authorities of one name as a machine may send: each vouches for itself and all others. */
function circleOf(key: KeyObject): readonly MadeAuthority[] {
  const circle: MadeAuthority[] = [];
  for (let bytes = 0; circle.length < EK_CHAIN_MAX_CERTIFICATES;) {
    const next = createAuthority("PTT CA", undefined, { key, serialNumber: Buffer.from([1, circle.length]) });
    bytes += next.der.length;
    if (bytes > EK_CHAIN_MAX_BYTES) break;
    circle.push(next);
  }
  return circle;
}

function judge(chain: readonly MadeAuthority[], der: Buffer): string {
  const anchors = withSentIntermediates(
    trustAnchors({ "hardware.pem": root.pem }),
    chain.map((one) => one.der),
  );
  return codeOf(verifyEkCertificate(der, anchors, { nowMs: NOW, expired: "accept" }));
}

const rsa = (bits: number) => generateKeyPairSync("rsa", { modulusLength: bits }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;

describe("a chain that a stranger sends", () => {
  it.each<[string, () => KeyObject]>([
    ["RSA-2048", () => rsa(2048)],
    ["RSA-4096", () => rsa(4096)],
    ["RSA-2048 with a long exponent", () => withLongExponent(2048)],
    ["RSA-3072 with a long exponent", () => withLongExponent(3072)],
    ["P-256", () => ec("P-256")],
    ["P-384", () => ec("P-384")],
    ["P-521", () => ec("P-521")],
  ])("takes no long time to be refused, whatever its keys are: %s", (_what, keyOf) => {
    const circle = circleOf(keyOf());
    const [first = root] = circle;
    const der = ek({}, first);
    const look = (): void => expect(judge(circle, der)).toMatch(/^EK_CHAIN_/);
    expect(cpuMsOf(look, INPUT_MS)).toBeLessThan(INPUT_MS);
  });

  it("has no authority whose RSA exponent is longer than a TPM's may be, and honest ones of any other", () => {
    const short = createAuthority("Short exponent", root, { key: rsa(2048) });
    const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 4_294_967_291 });
    const longest = createAuthority("32 bits", root, { key });
    const tooLong = createAuthority("Long exponent", root, { key: withLongExponent(2048) });
    expect(judge([short], ek({}, short))).toBe("hardware");
    expect(judge([longest], ek({}, longest))).toBe("hardware");
    expect(judge([tooLong], ek({}, tooLong))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    expect(trustAnchors({ "hardware.pem": tooLong.pem })).toMatchObject({
      roots: [],
      problems: ["key hardware.pem, certificate 1: has an RSA key whose exponent has more than 32 bits"],
    });
  });

  it("is looked at for as many signatures as it may have certificates, and the administrator's for theirs", () => {
    const key = ec("P-256");
    const circle = circleOf(key).slice(0, 3);
    const [first = root] = circle;
    const end = createAuthority("PTT CA", root, { key, serialNumber: Buffer.from([2]) });
    // Behind three that lead to each other only, each on all ways that there are.
    expect(judge([...circle, end], ek({}, first))).toBe("EK_CHAIN_AMBIGUOUS");
    expect(judge([end, ...circle], ek({}, first))).toBe("hardware");
    const given = trustAnchors({ hardware: root.pem, intermediate: [...circle, end].map(({ pem }) => pem).join("") });
    expect(codeOf(verifyEkCertificate(ek({}, first), given, { nowMs: NOW, expired: "accept" }))).toBe("hardware");
  });

  it("may be as long as a chain may be", () => {
    const chain: MadeAuthority[] = [];
    for (let level = 1; level < 8; level += 1) {
      chain.push(createAuthority(`level ${level}`, chain.at(-1) ?? root, { keyType: "ec" }));
    }
    expect(judge(chain, ek({}, chain.at(-1)))).toBe("hardware");
  });
});
