import { createHash, createPublicKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  EK_POLICY_SHA256,
  RSA_AK_TEMPLATE,
  decodeAttest,
  decodeCreationData,
  decodePublicArea,
  decodeSignature,
  objectName,
  spkiFromPublicArea,
} from "@rancheros/protocol/tpm";
import {
  PERSISTENT_EK_HANDLE,
  handles,
  removePersistentEk,
  residue,
  tpm2,
  undefineIndex,
  writeEkCertificate,
  writeIndex,
} from "../../../../../test/swtpm/index.ts";
import { type Machine, certify, makeChallenge, startMachine, withTpm } from "./machine.ts";

const NONE = new Uint8Array(0);
const SECRET = Buffer.from("0123456789abcdef0123456789abcdef");

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine({ withEkCertificate: true });
});
afterAll(() => machine.dispose());

/** EK, AK, challenge by other people's tools, answer: true when the TPM gave the secret back. */
async function canActivate(): Promise<boolean> {
  return withTpm(machine, async (tpm) => {
    const endorsementKey = await tpm.readEndorsementKey();
    const attestationKey = await tpm.createAttestationKey({ qualifyingData: NONE });
    const { credentialBlob, encryptedSecret } = makeChallenge(
      machine.folder,
      endorsementKey.publicKeySpkiDer,
      attestationKey.name,
      SECRET,
    );
    const secret = await tpm.activateCredential(attestationKey, credentialBlob, encryptedSecret);
    return SECRET.equals(secret);
  });
}

describe("the attestation key", () => {
  it("is what the protocol asks for, and the TPM says so", async () => {
    const qualifyingData = randomBytes(32);
    const key = await withTpm(machine, (tpm) => tpm.createAttestationKey({ qualifyingData }));

    const publicArea = decodePublicArea(key.publicArea);
    if (publicArea.type !== "RSA") throw new Error("not an RSA key");
    const { modulus, ...template } = publicArea;
    const { modulus: _zeros, ...wanted } = RSA_AK_TEMPLATE;
    expect(template).toEqual(wanted);
    expect(modulus.length).toBe(256);
    expect(key.name).toEqual(objectName(key.publicArea));

    const attest = decodeAttest(key.attestation);
    expect(attest.extraData).toEqual(qualifyingData);
    expect(attest.attested).toEqual({
      type: "creation",
      objectName: key.name,
      creationHash: createHash("sha256").update(key.creationData).digest(),
    });
    expect(decodeCreationData(key.creationData).parentName.toString("hex")).toBe("4000000b");

    const signature = decodeSignature(key.signature);
    if (signature.scheme !== "RSASSA") throw new Error("not an RSASSA signature");
    const signer = createPublicKey({ key: spkiFromPublicArea(publicArea), format: "der", type: "spki" });
    expect(verify("sha256", key.attestation, signer, signature.signature)).toBe(true);
  });

  it("repeats no qualifying data when there is none, and refuses more than every TPM takes", async () => {
    await withTpm(machine, async (tpm) => {
      const { attestation } = await tpm.createAttestationKey({ qualifyingData: NONE });
      expect(decodeAttest(attestation).extraData.length).toBe(0);
      await expect(tpm.createAttestationKey({ qualifyingData: Buffer.alloc(33) })).rejects.toMatchObject({
        code: "TPM_MISUSED",
      });
    });
  });

  it("is made once for several attestations, and is the same another time", async () => {
    const programs: string[] = [];
    const names = await withTpm(
      machine,
      async (tpm) => {
        const first = await tpm.createAttestationKey({ qualifyingData: Buffer.from("first") });
        const second = await tpm.createAttestationKey({ qualifyingData: Buffer.from("second") });
        expect(decodeAttest(second.attestation).extraData.toString()).toBe("second");
        return [first.name, second.name];
      },
      { onEvent: (event) => event.kind === "command-started" && programs.push(event.program) },
    );
    expect(programs.filter((program) => program === "tpm2_createprimary")).toHaveLength(1);
    const { name } = await withTpm(machine, (tpm) => tpm.createAttestationKey({ qualifyingData: NONE }));
    expect(names).toEqual([name, name]);
  });
});

describe("a challenge", () => {
  it("for this machine is opened, more than once, and nothing stays behind", async () => {
    const before = await residue(machine.swtpm.tcti);
    await withTpm(machine, async (tpm) => {
      const { publicKeySpkiDer } = await tpm.readEndorsementKey();
      const key = await tpm.createAttestationKey({ qualifyingData: NONE });
      for (const secret of [SECRET, randomBytes(16)]) {
        const { credentialBlob, encryptedSecret } = makeChallenge(machine.folder, publicKeySpkiDer, key.name, secret);
        expect(Buffer.from(await tpm.activateCredential(key, credentialBlob, encryptedSecret))).toEqual(secret);
      }
    });
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
    expect(machine.leftFiles()).toEqual([]);
  });

  it("takes one command once the server has answered", async () => {
    const programs: string[] = [];
    await withTpm(
      machine,
      async (tpm) => {
        const { publicKeySpkiDer } = await tpm.readEndorsementKey();
        const key = await tpm.createAttestationKey({ qualifyingData: NONE });
        const { credentialBlob, encryptedSecret } = makeChallenge(machine.folder, publicKeySpkiDer, key.name, SECRET);
        programs.length = 0;
        await tpm.activateCredential(key, credentialBlob, encryptedSecret);
        expect(programs).toEqual(["tpm2_activatecredential"]);
      },
      { onEvent: (event) => event.kind === "command-started" && programs.push(event.program) },
    );
  });

  it("never shows its secret among a process's arguments", async () => {
    const secret = Buffer.from("canary-0123456789abcdef-canary!!");
    const seen: string[] = [];
    await withTpm(
      machine,
      async (tpm) => {
        const { publicKeySpkiDer } = await tpm.readEndorsementKey();
        const key = await tpm.createAttestationKey({ qualifyingData: NONE });
        const { credentialBlob, encryptedSecret } = makeChallenge(machine.folder, publicKeySpkiDer, key.name, secret);
        await tpm.activateCredential(key, credentialBlob, encryptedSecret);
      },
      { onEvent: (event) => seen.push(JSON.stringify(event)) },
    );
    expect(seen.join("\n")).toContain("tpm2_activatecredential");
    expect(seen.join("\n")).not.toMatch(new RegExp(`canary|${secret.toString("hex")}`));
  });

  it("for another AK is refused by the TPM, and the right one still works afterwards", async () => {
    const before = await residue(machine.swtpm.tcti);
    await withTpm(machine, async (tpm) => {
      const { publicKeySpkiDer } = await tpm.readEndorsementKey();
      const key = await tpm.createAttestationKey({ qualifyingData: NONE });
      const otherName = Buffer.concat([Buffer.from([0x00, 0x0b]), randomBytes(32)]);
      const wrong = makeChallenge(machine.folder, publicKeySpkiDer, otherName, SECRET);
      await expect(tpm.activateCredential(key, wrong.credentialBlob, wrong.encryptedSecret)).rejects.toMatchObject({
        code: "TPM_CHALLENGE_REFUSED",
        response: { name: "TPM_RC_INTEGRITY" },
      });
      const right = makeChallenge(machine.folder, publicKeySpkiDer, key.name, SECRET);
      expect(SECRET.equals(await tpm.activateCredential(key, right.credentialBlob, right.encryptedSecret))).toBe(true);
    });
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
  });

  it("for another machine's EK is refused by the TPM", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    await withTpm(machine, async (tpm) => {
      const key = await tpm.createAttestationKey({ qualifyingData: NONE });
      const spki = other.export({ format: "der", type: "spki" });
      const { credentialBlob, encryptedSecret } = makeChallenge(machine.folder, spki, key.name, SECRET);
      await expect(tpm.activateCredential(key, credentialBlob, encryptedSecret)).rejects.toMatchObject({
        code: "TPM_CHALLENGE_REFUSED",
      });
    });
  });

  it.each([
    ["nothing", NONE],
    ["text", Buffer.from("<html>502 Bad Gateway</html>")],
    ["64 KiB", Buffer.alloc(65_536)],
  ])("that is %s is refused before the TPM is asked", async (_title, bytes) => {
    await withTpm(machine, async (tpm) => {
      const key = await tpm.createAttestationKey({ qualifyingData: NONE });
      await expect(tpm.activateCredential(key, bytes, bytes)).rejects.toMatchObject({
        code: "TPM_CHALLENGE_MALFORMED",
      });
    });
  });

  it("for a key that this opening of the TPM did not make is a defect of the caller", async () => {
    await withTpm(machine, async (tpm) => {
      const key = await tpm.createAttestationKey({ qualifyingData: NONE });
      const stranger = { ...key, name: randomBytes(34) };
      await expect(tpm.activateCredential(stranger, NONE, NONE)).rejects.toMatchObject({ code: "TPM_MISUSED" });
    });
    const closed = await machine.open();
    await closed.close();
    await expect(closed.readEndorsementKey()).rejects.toMatchObject({ code: "TPM_MISUSED" });
  });
});

describe("the endorsement key for the activation", () => {
  it("is made from the default template where nobody has persisted it, and is not persisted then", async () => {
    await removePersistentEk(machine.swtpm.tcti);
    const before = await residue(machine.swtpm.tcti);
    expect(await canActivate()).toBe(true);
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
    expect(before["persistent"]).not.toContain(PERSISTENT_EK_HANDLE);
  });

  it.each([
    { stored: "nonce", nonce: randomBytes(20), template: undefined },
    { stored: "template", nonce: undefined, template: ekTemplate(randomBytes(256)) },
    { stored: "nonce and template", nonce: randomBytes(32), template: ekTemplate(Buffer.alloc(256)) },
  ])("is made from the $stored beside the certificate where the maker used others", async ({ nonce, template }) => {
    const { tcti } = machine.swtpm;
    const unique = nonce === undefined ? template?.subarray(-256) : Buffer.concat([nonce, Buffer.alloc(256)], 256);
    if (nonce !== undefined) await writeIndex(tcti, "0x01c00003", nonce);
    if (template !== undefined) await writeIndex(tcti, "0x01c00004", template);
    try {
      const publicKeyPem = await makeEndorsementKeyByHand(unique ?? NONE);
      await writeEkCertificate(tcti, certify(machine.folder, publicKeyPem));
      const before = await residue(tcti);
      expect(await canActivate()).toBe(true);
      expect(await residue(tcti)).toEqual(before);
    } finally {
      await undefineIndex(tcti, "0x01c00003");
      await undefineIndex(tcti, "0x01c00004");
    }
  });

  it("that the certificate names and the TPM does not have is a clear error, and nothing stays behind", async () => {
    const { tcti } = machine.swtpm;
    const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
      format: "pem",
      type: "spki",
    });
    await writeEkCertificate(tcti, certify(machine.folder, stranger));
    const before = await residue(tcti);
    await expect(canActivate()).rejects.toMatchObject({ code: "TPM_EK_CERTIFICATE_MISMATCH" });
    expect(await residue(tcti)).toEqual(before);
    expect(await handles(tcti, "saved-session")).toEqual([]);
    expect(machine.leftFiles()).toEqual([]);
  });
});

/** TPMT_PUBLIC of template L-1 as a maker stores it in NV 0x01C00004 (TCG EK Credential Profile, B.3.3). */
function ekTemplate(unique: Uint8Array): Buffer {
  const head =
    "0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa0006008000430010080000000000";
  return Buffer.concat([Buffer.from(`${head}0100`, "hex"), unique]);
}

/** What a maker does in the factory when he wants a key of his own. @returns the public key as PEM */
async function makeEndorsementKeyByHand(unique: Uint8Array): Promise<string> {
  const file = join(machine.folder, "maker");
  writeFileSync(`${file}.unique`, Buffer.concat([Buffer.from([0x00, 0x01]), unique]));
  writeFileSync(`${file}.policy`, Buffer.from(EK_POLICY_SHA256, "hex"));
  const attributes = "fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt";
  await tpm2(
    machine.swtpm.tcti,
    "createprimary",
    "-Q",
    "-C",
    "e",
    "-g",
    "sha256",
    "-G",
    "rsa2048:null:aes128cfb",
    "-a",
    attributes,
    "-L",
    `${file}.policy`,
    "-u",
    `${file}.unique`,
    "-c",
    `${file}.ctx`,
    "-f",
    "pem",
    "-o",
    `${file}.pem`,
  );
  await tpm2(machine.swtpm.tcti, "flushcontext", "-t");
  return readFileSync(`${file}.pem`, "utf8");
}
