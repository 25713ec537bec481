import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ekHash } from "@rancheros/protocol/tpm";
import { trustAnchors } from "../../../src/attestation/index.ts";
import {
  basicConstraints,
  createAuthority,
  createCertificate,
  ekExtensions,
  extendedKeyUsage,
  extension,
  keyUsage,
  pemOf,
  signatureAlgorithm,
  tpmName,
  withRsaesOaep,
  wrapEkCertificate,
  type CertificateParts,
} from "../../../../../test/software-tpm/index.ts";
import { NOW, rsaSpki, eccSpki, root, intermediate, anchors, ek, verdictOf, codeOf } from "./ek-certificates.ts";
import chain from "./testdata/swtpm-chain.json" with { type: "json" };
import { hex } from "./swtpm-vectors.ts";

describe("the chain of a software TPM", () => {
  const swtpmAnchors = trustAnchors({
    "virtual-host1.pem": pemOf(hex(chain.root)),
    "intermediate-host1.pem": pemOf(hex(chain.issuer)),
  });

  it.each(["rsa2048", "rsa3072"] as const)("leads from %s to the class of its root", (key) => {
    const der = hex(chain[key]);
    const verdict = verdictOf(der, swtpmAnchors);
    expect(codeOf(verdict)).toBe("virtual");
    expect(verdict.root).toBe("CN=swtpm-localca-rootca");
    expect(verdict.tpm).toEqual({ manufacturer: "id:00001014", model: "swtpm", version: "id:20191023" });
    const seen = new X509Certificate(der);
    expect(verdict.certificateSha256).toBe(seen.fingerprint256.replaceAll(":", "").toLowerCase());
    expect(verdict.notAfter).toEqual(seen.validToDate);
    expect(verdict.ekHash).toBe(ekHash(seen.publicKey.export({ format: "der", type: "spki" })));
  });

  it("leads nowhere without its root, without what lies between, and from a key that is not taken", () => {
    const der = hex(chain.rsa2048);
    const between = trustAnchors({ intermediate: pemOf(hex(chain.issuer)) });
    expect(codeOf(verdictOf(der, between))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    expect(codeOf(verdictOf(der, trustAnchors({ virtual: pemOf(hex(chain.root)) })))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    expect(codeOf(verdictOf(der, anchors))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    expect(codeOf(verdictOf(hex(chain.p384), swtpmAnchors))).toBe("EK_CERTIFICATE_UNREADABLE");
  });

  it("is of the class that the administrator gave its nearest authority, where that is the anchor", () => {
    const nearest = trustAnchors({ virtual: pemOf(hex(chain.issuer)) });
    expect(verdictOf(hex(chain.rsa2048), nearest).root).toBe("CN=swtpm-localca");
  });
});

describe("a certificate that is vouched for", () => {
  const ecRoot = createAuthority("Example ECC Root CA", undefined, { keyType: "ec" });
  it.each<[string, Buffer]>([
    ["plain", ek()],
    ["with id-RSAES-OAEP", ek({ spkiDer: withRsaesOaep(rsaSpki) })],
    ["of a P-256 key", ek({ spkiDer: eccSpki, extensions: ekExtensions(0x08) })],
    ["without extensions that are optional", ek({ extensions: [tpmName("id:1", "m", "v")] })],
    ["with a broken name of the TPM", ek({ extensions: [extension("551d11", true, hex("3003a40305"))] })],
    ["with a serial number that begins with zeros, as Nuvoton's", ek({ serialNumber: hex("000007") })],
    ["with a long one that does", ek({ serialNumber: hex(`0000${"f2".repeat(20)}`) })],
    ["signed with SHA-384", ek({ hash: "sha384" })],
    ["signed with SHA-512", ek({ hash: "sha512" })],
    ["followed by what fills the NV index", Buffer.concat([ek(), Buffer.alloc(300, 0xff)])],
    ["until the year 9999", ek({ notAfter: new Date("9999-12-31T23:59:59Z") })],
  ])("%s", (_case, der) => {
    expect(codeOf(verdictOf(der, anchors, "refuse"))).toBe("hardware");
  });

  it.each(["sha256", "sha384", "sha512"] as const)("with ECDSA and %s", (hash) => {
    const verdict = verdictOf(ek({ hash }, ecRoot), trustAnchors({ "hardware-ecc": ecRoot.pem }));
    expect(codeOf(verdict)).toBe("hardware");
  });

  it("by authorities whose serial numbers begin with zeros, as STMicroelectronics'", () => {
    const keyType = "ec";
    const top = createAuthority("Padded root", undefined, { keyType, serialNumber: hex("000001") });
    const between = createAuthority("Padded CA", top, { keyType, serialNumber: hex("00000000000000f2") });
    const padded = trustAnchors({ hardware: top.pem, intermediate: between.pem });
    expect(padded.problems).toEqual([]);
    expect(codeOf(verdictOf(ek({ serialNumber: hex("0007") }, between), padded))).toBe("hardware");
    const forged = createAuthority("Padded CA", { ...top, key: between.key }, { keyType, serialNumber: hex("0001") });
    const below = trustAnchors({ hardware: top.pem, intermediate: forged.pem });
    expect(codeOf(verdictOf(ek({}, forged), below))).toBe("EK_CERTIFICATE_SIGNATURE");
  });

  it("by a hardware and a virtual root counts as hardware, whichever is found first", () => {
    const twin = { ...root, pem: pemOf(createCertificate(root.key, twinParts())) };
    const both = { intermediate: intermediate.pem, "hardware-b": root.pem, "virtual-a": twin.pem };
    expect(codeOf(verdictOf(ek(), trustAnchors(both)))).toBe("hardware");
    const turned = { intermediate: intermediate.pem, "hardware-b": twin.pem, "virtual-a": root.pem };
    expect(codeOf(verdictOf(ek(), trustAnchors(turned)))).toBe("hardware");
  });

  function twinParts(): CertificateParts {
    const spkiDer = createPublicKey(root.key).export({ format: "der", type: "spki" });
    const serialNumber = Buffer.from([7]);
    return {
      spkiDer,
      serialNumber,
      subject: root.name,
      issuer: root.name,
      extensions: [basicConstraints(true), keyUsage(0x04)],
    };
  }
});

describe("a certificate that is not", () => {
  const stranger = createAuthority("Stranger");
  const expired = createAuthority("Expired CA", root, { notAfter: new Date("2022-01-01T00:00:00Z") });
  const shortPath = createAuthority("Short", undefined, { extensions: [basicConstraints(true, 0), keyUsage(0x04)] });
  const belowShort = createAuthority("Below", shortPath);
  const more = trustAnchors({
    hardware: root.pem + shortPath.pem,
    intermediate: intermediate.pem + expired.pem + belowShort.pem,
  });
  const own = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ownSpki = own.publicKey.export({ format: "der", type: "spki" });
  const without = (index: number, ...instead: readonly Buffer[]) => ekExtensions().toSpliced(index, 1, ...instead);

  it.each<[string, string, Buffer | undefined]>([
    ["none at all", "EK_CERTIFICATE_MISSING", undefined],
    ["empty", "EK_CERTIFICATE_MISSING", Buffer.alloc(0)],
    ["no certificate", "EK_CERTIFICATE_UNREADABLE", Buffer.from("-----BEGIN CERTIFICATE-----")],
    ["cut short", "EK_CERTIFICATE_UNREADABLE", ek().subarray(0, -1)],
    ["too large", "EK_CERTIFICATE_UNREADABLE", Buffer.concat([ek(), Buffer.alloc(8192)])],
    ["in the TCG's wrapper", "EK_CERTIFICATE_UNREADABLE", wrapEkCertificate(ek())],
    ["an extension twice", "EK_CERTIFICATE_UNREADABLE", ek({ extensions: [...ekExtensions(), keyUsage(0x20)] })],
    [
      "two signature algorithms",
      "EK_CERTIFICATE_UNREADABLE",
      ek({ innerAlgorithm: signatureAlgorithm("rsa", "sha384") }),
    ],
    ["version 1", "EK_CERTIFICATE_FIELDS", ek({ version: 1, extensions: [] })],
    ["serial number 0", "EK_CERTIFICATE_FIELDS", ek({ serialNumber: Buffer.from([0]) })],
    ["negative serial number", "EK_CERTIFICATE_FIELDS", ek({ serialNumber: Buffer.from([0x80]) })],
    ["no issuer", "EK_CERTIFICATE_FIELDS", ek({ issuer: "" })],
    ["a CA", "EK_CERTIFICATE_IS_CA", ek({ extensions: without(0, basicConstraints(true)) })],
    ["may sign certificates", "EK_CERTIFICATE_IS_CA", ek({ extensions: without(1, keyUsage(0x24)) })],
    ["no key encipherment", "EK_CERTIFICATE_USAGE", ek({ extensions: without(1, keyUsage(0x88)) })],
    ["no key agreement", "EK_CERTIFICATE_USAGE", ek({ spkiDer: eccSpki })],
    ["for TLS", "EK_CERTIFICATE_USAGE", ek({ extensions: without(2, extendedKeyUsage("2b06010505070301")) })],
    ["for anything", "EK_CERTIFICATE_USAGE", ek({ extensions: without(2, extendedKeyUsage("551d2500")) })],
    [
      "unknown critical extension",
      "EK_CERTIFICATE_EXTENSION",
      ek({ extensions: [...ekExtensions(), extension("2a0304", true, hex("0500"))] }),
    ],
    ["not yet valid", "EK_CERTIFICATE_NOT_YET_VALID", ek({ notBefore: new Date(NOW + 3_600_000) })],
    ["SHA-1", "EK_CERTIFICATE_ALGORITHM", ek({ hash: "sha1" })],
    ["signed by another", "EK_CERTIFICATE_SIGNATURE", ek({ signer: stranger.key })],
    ["signed with another kind of key", "EK_CERTIFICATE_SIGNATURE", ek({ signer: ecKey() })],
    ["of a stranger", "EK_CHAIN_UNKNOWN_ROOT", ek({}, stranger)],
    ["of an expired CA", "EK_CHAIN_EXPIRED", ek({ notBefore: new Date("2023-01-01T00:00:00Z") }, expired)],
    ["below a path length of 0", "EK_CHAIN_TOO_LONG", ek({}, belowShort)],
    ["signed by itself", "EK_CHAIN_UNKNOWN_ROOT", selfSigned("Nobody")],
    ["signed by itself in a root's name", "EK_CERTIFICATE_SIGNATURE", selfSigned(root.name)],
  ])("%s", (_case, code, der) => {
    expect(codeOf(verdictOf(der, more))).toBe(code);
  });

  function ecKey() {
    return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  }

  function selfSigned(subject: string): Buffer {
    return ek({ spkiDer: ownSpki, signer: own.privateKey, issuer: subject, subject });
  }

  it("by its date is accepted or refused as the registration says, and so is its authority", () => {
    const old = ek({ notAfter: new Date("2021-01-01T00:00:00Z") });
    expect(codeOf(verdictOf(old, more, "accept"))).toBe("hardware");
    expect(codeOf(verdictOf(old, more, "refuse"))).toBe("EK_CERTIFICATE_EXPIRED");
    const ofOld = ek({ notBefore: new Date("2021-06-01T00:00:00Z") }, expired);
    expect(codeOf(verdictOf(ofOld, more, "accept"))).toBe("hardware");
    expect(codeOf(verdictOf(ofOld, more, "refuse"))).toBe("EK_CHAIN_EXPIRED");
  });

  it("only for its spelling is accepted: a length may be longer than needed", () => {
    const honest = ek();
    // Tag and two bytes of length, then the content.
    const spelled = Buffer.concat([hex("308400"), Buffer.from([0]), honest.subarray(2)]);
    const verdict = verdictOf(spelled, more);
    expect(codeOf(verdict)).toBe("hardware");
    expect(verdict.ekHash).toBe(verdictOf(honest, more).ekHash);
  });

  it("as it was signed: what is read in its place is not what the signature is about", () => {
    const padded = ek({ serialNumber: hex("000007") });
    const forged = ek({ serialNumber: hex("000007"), signer: stranger.key });
    expect(codeOf(verdictOf(padded, more))).toBe("hardware");
    expect(codeOf(verdictOf(forged, more))).toBe("EK_CERTIFICATE_SIGNATURE");
    const short = ek({ serialNumber: hex("07") });
    const signature = short.subarray(-256);
    const swapped = Buffer.concat([padded.subarray(0, -256), signature]);
    // What OpenSSL is given of this one has the very bytes that were signed; the certificate has not.
    expect(codeOf(verdictOf(short, more))).toBe("hardware");
    expect(codeOf(verdictOf(swapped, more))).toBe("EK_CERTIFICATE_SIGNATURE");
    expect(verdictOf(padded, more).certificateSha256).toBe(createHash("sha256").update(padded).digest("hex"));
  });

  it.each(["0000", "ff80", "ffff", "ff07"])("with the serial number %s is not one by the profile", (serial) => {
    expect(codeOf(verdictOf(ek({ serialNumber: hex(serial) }), more))).toBe("EK_CERTIFICATE_FIELDS");
  });

  it("made of an honest one and the sender's own key is not taken for either", () => {
    const inner = Buffer.from(`\n${pemOf(ek())}`);
    const outer = ek({
      spkiDer: ownSpki,
      signer: own.privateKey,
      extensions: [...ekExtensions(), extension("2a0304", false, inner)],
    });
    // node:crypto reads the honest one, wherever it stands.
    expect(new X509Certificate(outer).raw.equals(ek())).toBe(true);
    expect(codeOf(verdictOf(outer, more))).toBe("EK_CERTIFICATE_UNREADABLE");
    const padded = ek({
      spkiDer: ownSpki,
      serialNumber: hex("000007"),
      extensions: [...ekExtensions(), extension("2a0304", false, inner)],
    });
    expect(codeOf(verdictOf(padded, more))).toBe("EK_CERTIFICATE_UNREADABLE");
  });

  it("does not vouch for itself as an anchor, alone or as a link", () => {
    const self = selfSigned("Nobody");
    const asAnchor = trustAnchors({ hardware: pemOf(self), intermediate: root.pem });
    expect(asAnchor.roots).toEqual([]);
    expect(asAnchor.problems).toEqual(["key hardware, certificate 1: is no certificate authority's"]);
    expect(codeOf(verdictOf(self, asAnchor))).toBe("EK_CHAIN_UNKNOWN_ROOT");
    const honest = ek({ spkiDer: ownSpki });
    const made = createCertificate(own.privateKey, { spkiDer: rsaSpki, issuer: "", extensions: ekExtensions() });
    const asLink = trustAnchors({ hardware: root.pem, intermediate: intermediate.pem + pemOf(honest) });
    expect(codeOf(verdictOf(made, asLink))).toBe("EK_CERTIFICATE_FIELDS");
  });
});
