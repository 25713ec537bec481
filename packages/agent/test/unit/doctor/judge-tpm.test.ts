import { describe, expect, it } from "vitest";

import { judgeCertificate } from "../../../src/doctor/judge-tpm.ts";
import type { EndorsementKey } from "../../../src/tpm/index.ts";
import {
  createAuthority,
  createCertificate,
  createSoftwareTpm,
  ekExtensions,
  type CertificateParts,
  type MadeAuthority,
} from "../../../../../test/software-tpm/index.ts";

const nowMs = Date.UTC(2026, 10, 1);
const keyType = "ec";
const root = createAuthority("Maker root", undefined, { keyType, serialNumber: Buffer.from([0, 0, 1]) });
const issuing = createAuthority("Maker issuing CA", root, { keyType });
const kernel = createAuthority("Kernel CA", issuing, { keyType });
const ptt = createAuthority("PTT CA", kernel, { keyType, serialNumber: Buffer.from([0, 7]) });
const { ekSpkiDer: spkiDer, ekHash: hash } = createSoftwareTpm();
const given = root.pem + issuing.pem;

function sentenceFor(
  issuer: MadeAuthority,
  authorities: string,
  chain: readonly Buffer[],
  parts: Partial<CertificateParts> = {},
): string {
  const certificateDer = createCertificate(issuer.key, {
    spkiDer,
    issuer: issuer.name,
    extensions: ekExtensions(),
    ...parts,
  });
  const ek: EndorsementKey = {
    kind: "rsa2048",
    publicKeySpkiDer: spkiDer,
    hash,
    source: {
      kind: "certificate",
      nvIndex: 0x01c00002,
      certificateDer,
      issuer: `CN=${issuer.name}`,
      subject: "",
      notBefore: new Date(0),
      notAfter: new Date("9999-12-31T23:59:59Z"),
    },
  };
  try {
    const verdict = judgeCertificate(ek, { nowMs, authorities, chain });
    return verdict.kind === "ok" ? verdict.sentence : verdict.kind;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("the doctor's way from a certificate to a CA that is believed", () => {
  it("leads through what the TPM holds itself, and through certificates whose serial numbers begin with zeros", () => {
    const padded = { serialNumber: Buffer.from([0, 0, 7]) };
    expect(sentenceFor(issuing, given, [], padded)).toMatch(/leads to CN=Maker root$/);
    expect(sentenceFor(ptt, given, [kernel.der, ptt.der], padded)).toMatch(/leads to CN=Maker root$/);
    expect(sentenceFor(ptt, given, [ptt.der, kernel.der, Buffer.from("junk")])).toMatch(/leads to CN=Maker root$/);
    expect(sentenceFor(ptt, given, [])).toMatch(/CN=PTT CA is not among them$/);
    expect(sentenceFor(ptt, given, [ptt.der])).toMatch(/CN=Kernel CA is not among them$/);
  });

  it("does not end at what the TPM holds, nor go on at another's signature", () => {
    const own = createAuthority("Own root", undefined, { keyType });
    expect(sentenceFor(own, given, [own.der])).toMatch(/leads to no given CA: it is too long$/);
    const forged = { serialNumber: Buffer.from([0, 0, 7]), signer: kernel.key };
    expect(sentenceFor(issuing, given, [], forged)).toMatch(/CN=Maker issuing CA is not among them$/);
  });
});
