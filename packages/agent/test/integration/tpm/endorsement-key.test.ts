import { execFileSync } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  defineIndex,
  residue,
  removeEkCertificate,
  setHierarchyAuth,
  tcgWrapped,
  tpm2,
  withOaepKeyIdentifier,
  withTrailingBytes,
  writeEkCertificate,
} from "../../../../../test/swtpm/index.ts";
import { createEkCertificate } from "../../../../../test/software-tpm/index.ts";
import { type Machine, opensslHash, startMachine, withTpm } from "./machine.ts";

const readKey = (machine: Machine) => withTpm(machine, (tpm) => tpm.readEndorsementKey());

async function templateKeyPem(machine: Machine): Promise<string> {
  const file = join(machine.folder, "template.pem");
  await tpm2(machine.swtpm.tcti, "createek", "-Q", "-G", "rsa", "-c", `${file}.ctx`, "-u", file, "-f", "pem");
  await tpm2(machine.swtpm.tcti, "flushcontext", "-t");
  return readFileSync(file, "utf8");
}

describe("a TPM with a certificate", () => {
  let machine: Machine;
  let certificateDer: Uint8Array;
  beforeAll(async () => {
    machine = await startMachine({ withEkCertificate: true });
    const file = join(machine.folder, "ek.der");
    await tpm2(machine.swtpm.tcti, "nvread", "-C", "o", "-o", file, "0x01c00002");
    certificateDer = readFileSync(file);
  });
  afterAll(() => machine.dispose());

  it("is known by the key in it, hashed as openssl hashes it", async () => {
    const key = await readKey(machine);
    expect(key.hash).toBe(opensslHash({ certificateDer }));
    expect(key.source).toMatchObject({
      kind: "certificate",
      nvIndex: 0x01c00002,
      certificateDer,
      issuer: "CN=swtpm-localca",
      subject: "CN=unknown",
    });
    const fromOpenssl = execFileSync("openssl", ["x509", "-inform", "der", "-noout", "-startdate"], {
      input: certificateDer,
    });
    expect(key.source.kind === "certificate" && key.source.notBefore).toEqual(
      new Date(fromOpenssl.toString().replace("notBefore=", "")),
    );
  });

  it("costs one process, leaves nothing, and needs no folder", async () => {
    const before = await residue(machine.swtpm.tcti);
    const programs: string[] = [];
    await withTpm(machine, (tpm) => Promise.all([tpm.readEndorsementKey(), tpm.readEndorsementKey()]), {
      workFolder: "/nonexistent",
      onEvent: (event) => {
        if (event.kind === "command-started") programs.push(event.program);
      },
    });
    expect(programs).toEqual(["tpm2_nvread"]);
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
  });

  it("may have a password set by its owner: the index is read with its own authorisation", async () => {
    await setHierarchyAuth(machine.swtpm.tcti, "owner", "sesame");
    try {
      const key = await readKey(machine);
      expect(key).toMatchObject({ hash: opensslHash({ certificateDer }), source: { kind: "certificate" } });
    } finally {
      await tpm2(machine.swtpm.tcti, "changeauth", "-c", "owner", "-p", "sesame", "");
    }
  });

  it.each([
    ["in the TCG's wrapper", (der: Uint8Array) => tcgWrapped(der)],
    ["followed by unwritten flash", (der: Uint8Array) => withTrailingBytes(der, 500)],
    ["wrapped and followed by unwritten flash", (der: Uint8Array) => withTrailingBytes(tcgWrapped(der), 37)],
  ])("finds the certificate %s", async (_title, disguise) => {
    await writeEkCertificate(machine.swtpm.tcti, disguise(certificateDer));
    const key = await readKey(machine);
    expect(key).toMatchObject({
      hash: opensslHash({ certificateDer }),
      source: { kind: "certificate", certificateDer },
    });
  });

  it("reads a key that is called id-RSAES-OAEP as the RSA key that it is", async () => {
    const oaep = withOaepKeyIdentifier(certificateDer);
    await writeEkCertificate(machine.swtpm.tcti, oaep);
    const key = await readKey(machine);
    expect(key).toMatchObject({
      hash: opensslHash({ certificateDer }),
      source: { kind: "certificate", certificateDer: oaep },
    });
  });

  it("reads a certificate whose serial number begins with zeros, as Nuvoton's, and hands it on as it lies there", async () => {
    const spkiDer = new X509Certificate(certificateDer).publicKey.export({ format: "der", type: "spki" });
    const padded = createEkCertificate({ spkiDer, serialNumber: Buffer.from("000007", "hex") });
    await writeEkCertificate(machine.swtpm.tcti, padded);
    const key = await readKey(machine);
    expect(key).toMatchObject({
      hash: opensslHash({ certificateDer }),
      source: { kind: "certificate", certificateDer: padded },
    });
  });

  it.each([
    ["random bytes", () => randomBytes(800)],
    ["zeros", () => Buffer.alloc(800)],
    ["unwritten flash", () => Buffer.alloc(800, 0xff)],
    ["one byte", () => Buffer.from([0x30])],
    ["half a certificate", (der: Uint8Array) => der.subarray(0, der.length / 2)],
    ["a wrapper that promises more than there is", (der: Uint8Array) => tcgWrapped(der).subarray(0, 300)],
  ])("takes the template's key, as rancherd does, and says why, when it finds %s", async (_title, garbage) => {
    await writeEkCertificate(machine.swtpm.tcti, garbage(certificateDer));
    const key = await readKey(machine);
    expect(key.hash).toBe(opensslHash({ publicKeyPem: await templateKeyPem(machine) }));
    expect(key.source).toMatchObject({
      kind: "template",
      why: "the endorsement key certificate in NV 0x01c00002 cannot be read as X.509",
      certificateProblem: { code: "TPM_EK_CERTIFICATE_UNREADABLE", failure: "nonsense" },
    });
  });

  it("tells an index that was never written from one that is not there", async () => {
    await defineIndex(machine.swtpm.tcti, "0x01c00002", 800);
    const unwritten = await readKey(machine);
    expect(unwritten.source).toMatchObject({
      kind: "template",
      certificateProblem: { code: "TPM_EK_CERTIFICATE_UNREADABLE" },
    });
    await removeEkCertificate(machine.swtpm.tcti);
    const absent = await readKey(machine);
    expect(absent.source).toEqual({
      kind: "template",
      why: "the TPM holds no endorsement key certificate (NV 0x01c00002 is not defined)",
    });
    expect(absent.hash).toBe(unwritten.hash);
  });
});

describe("a TPM without a certificate", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await startMachine({ withEkCertificate: false });
  });
  afterAll(() => machine.dispose());

  it("is known by the key of the default template, and keeps nothing of it", async () => {
    const expected = opensslHash({ publicKeyPem: await templateKeyPem(machine) });
    const before = await residue(machine.swtpm.tcti);
    expect(await readKey(machine)).toMatchObject({ hash: expected, source: { kind: "template" } });
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
    expect(machine.leftFiles()).toEqual([]);
  });

  it("does not believe a key at the persistent handle that the template did not make", async () => {
    const { tcti } = machine.swtpm;
    const context = join(machine.folder, "other.ctx");
    await tpm2(tcti, "createprimary", "-Q", "-C", "o", "-G", "rsa2048", "-c", context);
    await tpm2(tcti, "evictcontrol", "-Q", "-C", "o", "-c", context, "0x81010001");
    await tpm2(tcti, "flushcontext", "-t");
    const expected = opensslHash({ publicKeyPem: await templateKeyPem(machine) });
    expect((await readKey(machine)).hash).toBe(expected);
  });
});
