import { createHash, createPublicKey, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { TpmFormatError } from "@rancheros/protocol/tpm";
import {
  describeAnchors,
  judgeMachine,
  readRevocationList,
  refuseTakenBack,
  trustAnchors,
} from "../../../src/attestation/index.ts";
import {
  createAuthority,
  createRevocationList,
  extension,
  listPemOf,
  pemOf,
  type RevocationListParts,
} from "../../../../../test/software-tpm/index.ts";
import { codeOf, ek, intermediate, NOW, root, verdictOf } from "./ek-certificates.ts";
import openssl from "./testdata/openssl-crl.json" with { type: "json" };
import { hex } from "./swtpm-vectors.ts";

const UNREADABLE = "is not readable as a whole list of an issuer's own certificates";
/** RSASSA-PKCS1: the same certificate each time. */
const KNOWN = ek();
const SERIAL = Buffer.from("12345678", "hex");
const authorities = { "hardware.pem": root.pem, "intermediate.pem": intermediate.pem };
const sha256 = (der: Buffer): string => createHash("sha256").update(der).digest("hex");

function withList(parts: RevocationListParts, issuer = intermediate) {
  return trustAnchors({ ...authorities, "maker.crl": listPemOf(createRevocationList(issuer, parts)) });
}

describe("a list of revoked certificates", () => {
  it("is read as openssl writes it", () => {
    const list = readRevocationList(hex(openssl.list));
    expect([...list.serialNumbers].toSorted()).toEqual(openssl.serialNumbers.toSorted());
    expect(list.nextUpdate?.getTime()).toBeGreaterThan(Date.UTC(2100, 0, 1));
    const pem = listPemOf(hex(openssl.list));
    const anchors = trustAnchors({ "hardware.pem": pemOf(hex(openssl.authority)), "list.crl": pem });
    expect([anchors.revocations.length, anchors.problems]).toEqual([1, []]);
  });

  it("takes back the certificate of that serial number, and no other", () => {
    const anchors = withList({ serialNumbers: [Buffer.from("00f2345678", "hex"), SERIAL] });
    expect(anchors.problems).toEqual([]);
    expect(codeOf(verdictOf(ek(), anchors))).toBe("EK_CERTIFICATE_REVOKED");
    expect(codeOf(verdictOf(ek({ serialNumber: Buffer.from("00f2345679", "hex") }), anchors))).toBe("hardware");
    expect(codeOf(verdictOf(ek({ serialNumber: Buffer.from("00f2345678", "hex") }), anchors))).toBe(
      "EK_CERTIFICATE_REVOKED",
    );
  });

  it.each([
    ["a certificate that begins its number with zeros", "0000000012345678", "12345678"],
    ["a list that does", "12345678", `${"00".repeat(20)}12345678`],
  ])("compares numbers, whatever their spelling: %s", (_what, certificate, listed) => {
    const anchors = withList({ serialNumbers: [hex(listed)] });
    expect(anchors.problems).toEqual([]);
    expect(codeOf(verdictOf(ek({ serialNumber: hex(certificate) }), anchors))).toBe("EK_CERTIFICATE_REVOKED");
    expect(codeOf(verdictOf(ek({ serialNumber: hex("0012345679") }), anchors))).toBe("hardware");
  });

  it("is about certificates of its issuer only", () => {
    const anchors = withList({ serialNumbers: [SERIAL] }, root);
    // The authority between has the number too, and is the root's.
    expect(codeOf(verdictOf(ek({ serialNumber: Buffer.from("55", "hex") }), anchors))).toBe("EK_CERTIFICATE_REVOKED");
    expect(
      codeOf(verdictOf(ek({ issuer: root.name, signer: root.key, serialNumber: Buffer.from("55", "hex") }), anchors)),
    ).toBe("hardware");
  });

  it("takes back one of an authority that came twice, whichever of its certificates is there", () => {
    const renewed = createAuthority(intermediate.name, root, {
      spkiDer: createPublicKey(intermediate.key).export({ format: "der", type: "spki" }),
      serialNumber: Buffer.from("77", "hex"),
    });
    const list = listPemOf(createRevocationList(intermediate, { serialNumbers: [SERIAL] }));
    const anchors = trustAnchors({ ...authorities, "intermediate-renewed.pem": renewed.pem, "maker.crl": list });
    expect(codeOf(verdictOf(ek(), anchors))).toBe("EK_CERTIFICATE_REVOKED");
  });

  it("is used on when the next one is due, and that is said", () => {
    const nextUpdate = new Date("2027-05-31T00:00:00Z");
    const anchors = withList({ serialNumbers: [SERIAL], nextUpdate });
    expect(codeOf(verdictOf(ek(), anchors))).toBe("EK_CERTIFICATE_REVOKED");
    expect(describeAnchors(anchors, nextUpdate.getTime())?.status).toBe("True");
    expect(describeAnchors(anchors, NOW)).toEqual({
      status: "False",
      reason: "Problems",
      message: "key maker.crl, list 1: is out of date since 2027-05-31, and is used on: get the next one",
    });
  });

  it("needs no promise of a next one", () => {
    const anchors = withList({ serialNumbers: [SERIAL], nextUpdate: null });
    expect(codeOf(verdictOf(ek(), anchors))).toBe("EK_CERTIFICATE_REVOKED");
    expect(describeAnchors(anchors, NOW)).toEqual({
      status: "True",
      reason: "Read",
      message: "1 roots, 1 between, 0 refused hashes, 1 revocation lists",
    });
  });

  const critical = (oid: string, value = "0500"): Buffer => extension(oid, true, hex(value));
  it.each<[string, RevocationListParts | string, string]>([
    ["of an unknown issuer", { issuer: "Nobody" }, "is of an issuer that is not among the trust anchors"],
    ["with SHA-1", { hash: "sha1" }, "is not signed by the issuer that it names, or with SHA-1"],
    ["with changes only", { extensions: [critical("551d1b", "020101")] }, UNREADABLE],
    ["with an unknown critical extension", { extensions: [critical("551d63")] }, UNREADABLE],
    ["of other issuers", { extensions: [critical("551d1c", "30038401ff")] }, UNREADABLE],
    ["of an entry of another issuer", { serialNumbers: [SERIAL], entryExtensions: [critical("551d1d")] }, UNREADABLE],
    ["without time", { thisUpdateDer: Buffer.from("1801ff", "hex") }, UNREADABLE],
    ["with too long a number", { serialNumbers: [Buffer.alloc(22, 1)] }, UNREADABLE],
    ["that is a certificate", root.pem, "is PEM of something other than a revocation list"],
    ["that is nothing", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----", UNREADABLE],
    ["that is not base64", "-----BEGIN X509 CRL-----\n%\n-----END X509 CRL-----", "is not base64"],
  ])("%s is said, and not used", (_what, made, problem) => {
    const pem = typeof made === "string" ? made : listPemOf(createRevocationList(intermediate, made));
    const anchors = trustAnchors({ ...authorities, "maker.crl": pem });
    expect(anchors.revocations).toEqual([]);
    expect(anchors.problems).toEqual([`key maker.crl, list 1: ${problem}`]);
    expect(describeAnchors(anchors, NOW)).toMatchObject({ status: "False", message: anchors.problems[0] });
  });

  it("is not used with another signature than its issuer's", () => {
    const forged = createRevocationList(createAuthority(intermediate.name), { serialNumbers: [SERIAL] });
    const anchors = trustAnchors({ ...authorities, "maker.crl": listPemOf(forged) });
    expect(anchors.problems).toEqual([
      "key maker.crl, list 1: is not signed by the issuer that it names, or with SHA-1",
    ]);
    expect(codeOf(verdictOf(ek(), anchors))).toBe("hardware");
  });

  it("ends where it ends: bytes behind it, or cut off, are refused", () => {
    const der = createRevocationList(intermediate, { serialNumbers: [SERIAL] });
    expect(() => readRevocationList(Buffer.concat([der, Buffer.from([0])]))).toThrow(TpmFormatError);
    for (let length = 0; length < der.length; length += 7) {
      expect(() => readRevocationList(der.subarray(0, length))).toThrow(TpmFormatError);
    }
  });

  it("of many entries is read whole", () => {
    const serialNumbers = Array.from({ length: 1500 }, () => Buffer.concat([Buffer.from([1]), randomBytes(15)]));
    const list = readRevocationList(createRevocationList(intermediate, { serialNumbers }));
    expect(list.serialNumbers.size).toBe(1500);
  });
});

describe("hashes that an administrator refuses", () => {
  const machine = (der: Buffer, anchors: ReturnType<typeof trustAnchors>) => {
    const verdict = verdictOf(der, anchors);
    return { ekHash: verdict.ekHash ?? "0".repeat(64), verdict };
  };

  it.each<[string, string, string]>([
    ["a certificate", sha256(KNOWN), "EK_CERTIFICATE_REFUSED"],
    ["the authority that issued it", sha256(intermediate.der), "EK_CERTIFICATE_REFUSED"],
    ["the root above it", sha256(root.der), "EK_CERTIFICATE_REFUSED"],
    ["another certificate", sha256(Buffer.from("another")), "hardware"],
  ])("keep out who shows %s, where nothing is demanded too", (_what, hash, code) => {
    const der = KNOWN;
    const anchors = trustAnchors({ ...authorities, "refused-list": `# not these\n\n${hash} # stolen\n` });
    expect(anchors.problems).toEqual([]);
    expect(codeOf(verdictOf(der, anchors))).toBe(code);
    const who = machine(der, anchors);
    if (code === "hardware") expect(() => refuseTakenBack(anchors.refused, who)).not.toThrow();
    else expect(() => refuseTakenBack(anchors.refused, who)).toThrow(expect.objectContaining({ code }));
    expect(() => judgeMachine({ class: "any" }, who)).not.toThrow();
  });

  it("keep out an endorsement key, with whatever certificate or none", () => {
    const hash = verdictOf(KNOWN).ekHash ?? "";
    const anchors = trustAnchors({ "refused.txt": hash.toUpperCase() });
    const none = { ekHash: hash, verdict: verdictOf(undefined, anchors) };
    expect(() => refuseTakenBack(anchors.refused, none)).toThrow(expect.objectContaining({ code: "EK_REFUSED" }));
    expect(() => refuseTakenBack(trustAnchors({}).refused, none)).not.toThrow();
  });

  it("may be written as openssl writes fingerprints; what is no hash is said by its line", () => {
    const hash = sha256(root.der);
    const printed = (hash.match(/../g) ?? []).join(":").toUpperCase();
    const anchors = trustAnchors({ "refused-a": `${printed}\r\nnonsense\n${hash.slice(1)}` });
    expect([...anchors.refused]).toEqual([hash]);
    expect(anchors.problems).toEqual([
      "key refused-a, line 2: is no SHA-256 of 64 hexadecimal digits",
      "key refused-a, line 3: is no SHA-256 of 64 hexadecimal digits",
    ]);
  });

  it("end somewhere", () => {
    const anchors = trustAnchors({ "refused-a": `${sha256(root.der)}\n`.repeat(20_001) });
    expect(anchors.problems).toEqual(["key refused-a, line 20001 and those after it: more than 20000 hashes"]);
  });
});

it("a list is not held against more keys than can be looked at at once, and that is said", () => {
  const namesakes = Array.from({ length: 30 }, () => createAuthority("Same", undefined, { keyType: "ec" }));
  const foreign = listPemOf(createRevocationList(createAuthority("Same", undefined, { keyType: "ec" }), {}));
  const anchors = trustAnchors({
    "hardware.pem": [root, ...namesakes].map(({ pem }) => pem).join("\n"),
    "a-root.crl": listPemOf(createRevocationList(root, {})),
    "b-strange.crl": foreign.repeat(20),
  });
  expect(anchors.revocations.map(({ where }) => where)).toEqual(["key a-root.crl, list 1"]);
  const unlooked = "could be of more authorities than are looked at: 512 signatures for all lists";
  expect(anchors.problems.filter((one) => one.endsWith(unlooked))).toHaveLength(3);
  expect(anchors.problems.at(-1)).toBe(`key b-strange.crl, list 20: ${unlooked}`);
});
