import { createHash, createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { trustAnchors, verifyEkCertificate, withSentIntermediates } from "../../../src/attestation/index.ts";
import {
  basicConstraints,
  createAuthority,
  createRevocationList,
  keyUsage,
  listPemOf,
  pemOf,
  type CertificateParts,
  type MadeAuthority,
} from "../../../../../test/software-tpm/index.ts";
import { codeOf, ek, NOW, root } from "./ek-certificates.ts";

function below(above: MadeAuthority, name: string, overrides: Partial<CertificateParts> = {}): MadeAuthority {
  return createAuthority(name, above, { keyType: "ec", ...overrides });
}

/** As Intel has it: three that are published, and three that only the TPM has. */
const intermediate = below(root, "CSME Intermediate CA");
const issuing = below(intermediate, "Issuing CA");
const rom = below(issuing, "ROM CA");
const kernel = below(rom, "Kernel CA");
const ptt = below(kernel, "PTT CA");
const given = { "hardware.pem": root.pem, "intermediate.pem": intermediate.pem + issuing.pem };
const sent = [rom.der, kernel.der, ptt.der];
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** What is said of a machine that sends these. */
function codeWith(chain: readonly Buffer[], data: Record<string, string> = {}, der = ek({}, ptt)): string {
  const anchors = withSentIntermediates(trustAnchors({ ...given, ...data }), chain);
  return codeOf(verifyEkCertificate(der, anchors, { nowMs: NOW, expired: "refuse" }));
}

describe("authorities that a machine sends", () => {
  it("lead up to a root that an administrator trusts, in any order, and for that machine only", () => {
    expect(codeWith(sent)).toBe("hardware");
    expect(codeWith(sent.toReversed())).toBe("hardware");
    expect(codeWith([])).toBe("EK_CHAIN_UNKNOWN_ROOT");
    const anchors = trustAnchors(given);
    expect(withSentIntermediates(anchors, sent).roots).toBe(anchors.roots);
    expect(withSentIntermediates(anchors, [])).toBe(anchors);
    expect(anchors.intermediates).toHaveLength(2);
  });

  it("are no roots, whatever they say of themselves", () => {
    const own = createAuthority("Own root");
    expect(codeWith([own.der], {}, ek({}, own))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    const twin = createAuthority(root.name);
    expect(codeWith([twin.der], {}, ek({}, twin))).toBe("EK_CERTIFICATE_SIGNATURE");
    expect(codeWith([root.der, ...sent])).toBe("hardware");
  });

  it("do not help each other where one is missing", () => {
    for (const missing of sent) expect(codeWith(sent.filter((one) => one !== missing))).toBe("EK_CHAIN_UNKNOWN_ROOT");
  });

  it("are passed over where they are none", () => {
    const junk = [Buffer.alloc(0), Buffer.from("junk"), Buffer.alloc(300, 0x30), ptt.der.subarray(0, -1)];
    expect(codeWith([...junk, ...sent])).toBe("hardware");
  });

  const ca = [basicConstraints(true), keyUsage(0x04)];
  it.each<[string, Partial<CertificateParts>, string]>([
    ["a TPM's own certificate", { extensions: [basicConstraints(false), keyUsage(0x20)] }, "EK_CHAIN_UNKNOWN_ROOT"],
    [
      "one that may not sign certificates",
      { extensions: [basicConstraints(true), keyUsage(0x02)] },
      "EK_CHAIN_UNKNOWN_ROOT",
    ],
    ["one of version 1", { version: 1, extensions: [] }, "EK_CHAIN_UNKNOWN_ROOT"],
    ["one with SHA-1", { hash: "sha1" }, "EK_CHAIN_UNKNOWN_ROOT"],
    ["one whose time is over", { notAfter: new Date("2026-01-01T00:00:00Z") }, "EK_CHAIN_EXPIRED"],
    ["one whose time has not come", { notBefore: new Date("2028-01-01T00:00:00Z") }, "EK_CERTIFICATE_NOT_YET_VALID"],
    ["one that somebody else has signed", { signer: root.key }, "EK_CERTIFICATE_SIGNATURE"],
    [
      "one that allows none below itself",
      { extensions: [basicConstraints(true, 0), keyUsage(0x04)] },
      "EK_CHAIN_TOO_LONG",
    ],
    ["an honest one", { extensions: ca }, "hardware"],
  ])("are held against the demands on all authorities: %s", (_what, parts, code) => {
    const other = below(rom, "Kernel CA", parts);
    const last = below(other, "PTT CA");
    expect(codeWith([rom.der, other.der, last.der], {}, ek({}, last))).toBe(code);
  });

  it("are kept out by their hash, by their key's, and by the list of who issued them", () => {
    const spki = createPublicKey(kernel.key).export({ format: "der", type: "spki" });
    const renewed = below(rom, "Kernel CA", { spkiDer: spki, serialNumber: Buffer.from([9]) });
    const instead = [rom.der, renewed.der, ptt.der];
    const byHash = { refused: sha256(kernel.der) };
    expect(codeWith(sent, byHash)).toBe("EK_CERTIFICATE_REFUSED");
    // Another certificate of that authority: whoever wants none of them refuses the key.
    expect(codeWith(instead, byHash)).toBe("hardware");
    const byKey = { refused: sha256(spki) };
    expect([codeWith(sent, byKey), codeWith(instead, byKey)]).toEqual([
      "EK_CERTIFICATE_REFUSED",
      "EK_CERTIFICATE_REFUSED",
    ]);
    const list = listPemOf(createRevocationList(issuing, { serialNumbers: [Buffer.from("12345678", "hex")] }));
    expect(codeWith(sent, { "issuing.crl": list })).toBe("EK_CERTIFICATE_REVOKED");
  });

  it("take no looks from an administrator's, of which there may be as many as before", () => {
    const namesakes = Array.from({ length: 31 }, () => below(root, "PTT CA"));
    const last = namesakes.at(-1) ?? ptt;
    const all = { "intermediate-b.pem": namesakes.map(({ pem }) => pem).join("") };
    const decoys = Array.from({ length: 8 }, () => createAuthority("PTT CA", undefined, { keyType: "ec" }).der);
    expect(codeWith(decoys, all, ek({}, last))).toBe("hardware");
    expect(codeWith([last.der], all, ek({}, last))).toBe("hardware");
    expect(
      codeWith(
        [...decoys, pemOf(ptt.der)].map((one) => Buffer.from(one)),
        {},
        ek({}, last),
      ),
    ).not.toBe("hardware");
  });
});
