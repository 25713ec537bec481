/** Endorsement keys other than RSA-2048: found, and proved by opening challenges that tpm2-tools made for them. */
import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { decodePublicArea, decodeSignature, encodePublicArea, publicAreaFromSpki } from "@rancheros/protocol/tpm";
import { RSA_EK_TEMPLATE, TPMA_OBJECT, spkiFromPublicArea, wrapTpm2b } from "@rancheros/protocol/tpm";
import type { PublicArea } from "@rancheros/protocol/tpm";
import {
  ENDORSEMENT_KINDS,
  openTpm,
  TPM_ERRORS,
  TpmError,
  type EndorsementKeyKind,
  type Tpm,
  type TpmEvent,
} from "@rancheros/agent/tpm";
import {
  residue,
  startSwtpm,
  startTpmProxy,
  tpm2,
  undefineIndex,
  withoutRsa,
  writeIndex,
  type Swtpm,
} from "../../../../../test/swtpm/index.ts";
import { certify, pemOf, type Challenge } from "./machine.ts";

let folder: string;
let swtpm: Swtpm;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ros-kinds-"));
  mkdirSync(join(folder, "work"));
  swtpm = await startSwtpm({ stateFolder: join(folder, "tpm"), withEkCertificate: true, rsaKeyBits: 3072 });
});

afterAll(async () => {
  await swtpm.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Settings {
  readonly endorsementKey: EndorsementKeyKind | "any";
  readonly tcti?: string;
  readonly onEvent?: (event: TpmEvent) => void;
}

async function withTpm<T>(settings: Settings, work: (tpm: Tpm) => Promise<T>): Promise<T> {
  const tpm = await openTpm({
    tcti: swtpm.tcti,
    signal: new AbortController().signal,
    timeoutMs: 60_000,
    workFolder: join(folder, "work"),
    environment: process.env,
    ...settings,
  });
  try {
    return await work(tpm);
  } finally {
    await tpm.close();
  }
}

/** What the templates L-2 and H-6 of the TCG EK Credential Profile say, written down here once more. */
const TEMPLATES: Readonly<Record<EndorsementKeyKind, PublicArea>> = {
  rsa2048: RSA_EK_TEMPLATE,
  rsa3072: {
    ...RSA_EK_TEMPLATE,
    nameAlg: "SHA384",
    objectAttributes: RSA_EK_TEMPLATE.objectAttributes | TPMA_OBJECT.USER_WITH_AUTH,
    authPolicy: Buffer.from(
      "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12",
      "hex",
    ),
    symmetric: { algorithm: "AES", keyBits: 256, mode: "CFB" },
    keyBits: 3072,
    modulus: Buffer.alloc(0),
  },
  "ecc-p256": {
    type: "ECC",
    nameAlg: "SHA256",
    objectAttributes: RSA_EK_TEMPLATE.objectAttributes,
    authPolicy: RSA_EK_TEMPLATE.authPolicy,
    symmetric: { algorithm: "AES", keyBits: 128, mode: "CFB" },
    scheme: { scheme: "NULL" },
    curve: "NIST_P256",
    kdf: { scheme: "NULL" },
    x: Buffer.alloc(32),
    y: Buffer.alloc(32),
  },
};

/** By tpm2_makecredential, without a TPM. */
function makeChallenge(kind: EndorsementKeyKind, spkiDer: Buffer, akName: Buffer, secret: Buffer): Challenge {
  const file = (suffix: string): string => join(folder, `challenge.${suffix}`);
  const area = encodePublicArea(publicAreaFromSpki(spkiDer, TEMPLATES[kind]));
  writeFileSync(file("pub"), wrapTpm2b(area, "TPM2B_PUBLIC"));
  writeFileSync(file("secret"), secret);
  const name = Buffer.from(akName).toString("hex");
  const files = ["-u", file("pub"), "-s", file("secret"), "-n", name, "-o", file("out")];
  execFileSync("tpm2_makecredential", ["-Q", "-T", "none", ...files]);
  const both = readFileSync(file("out")).subarray(8);
  const end = 2 + both.readUInt16BE(0);
  return { credentialBlob: both.subarray(0, end), encryptedSecret: both.subarray(end) };
}

async function prove(kind: EndorsementKeyKind, tpm: Tpm): Promise<void> {
  await tpm.prepareAttestation();
  const ek = await tpm.readEndorsementKey();
  const ak = await tpm.createAttestationKey({ qualifyingData: randomBytes(32) });
  const secret = randomBytes(32);
  const { credentialBlob, encryptedSecret } = makeChallenge(kind, ek.publicKeySpkiDer, ak.name, secret);
  const opened = await tpm.activateCredential(ak, credentialBlob, encryptedSecret);
  expect(Buffer.from(opened)).toEqual(secret);
}

describe.each(["rsa2048", "rsa3072", "ecc-p256"] as const)("an endorsement key of the kind %s", (kind) => {
  it("opens what was sealed for it, twice, and leaves nothing", async () => {
    const before = await residue(swtpm.tcti);
    await withTpm({ endorsementKey: kind }, async (tpm) => {
      await prove(kind, tpm);
      await prove(kind, tpm);
    });
    expect(await residue(swtpm.tcti)).toEqual(before);
  });

  it("is the same each time, and known by its kind", async () => {
    const read = () => withTpm({ endorsementKey: kind }, (tpm) => tpm.readEndorsementKey());
    const [one, other] = [await read(), await read()];
    expect(one).toEqual(other);
    expect(one.kind).toBe(kind);
    const { type, details } = keyOf(one.publicKeySpkiDer);
    expect([type, details]).toEqual(
      kind === "ecc-p256" ? ["ec", "prime256v1"] : ["rsa", kind === "rsa2048" ? 2048 : 3072],
    );
  });
});

function keyOf(spkiDer: Buffer): { type: string | undefined; details: unknown } {
  const key = createPublicKey({ key: spkiDer, format: "der", type: "spki" });
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  return { type: key.asymmetricKeyType, details: namedCurve ?? modulusLength };
}

describe("certificates", () => {
  it("of the RSA-3072 key is the one that swtpm's authority made, at its own index", async () => {
    const { source } = await withTpm({ endorsementKey: "rsa3072" }, (tpm) => tpm.readEndorsementKey());
    expect(source).toMatchObject({ kind: "certificate", nvIndex: 0x01c0001c });
  });

  it("of the P-256 key is read at 0x01C0000A, and found to be the TPM's", async () => {
    const { publicKeySpkiDer } = await withTpm({ endorsementKey: "ecc-p256" }, (tpm) => tpm.readEndorsementKey());
    await writeIndex(swtpm.tcti, "0x01c0000a", certify(folder, pemOf(publicKeySpkiDer)));
    await withTpm({ endorsementKey: "ecc-p256" }, async (tpm) => {
      const { source } = await tpm.readEndorsementKey();
      expect(source).toMatchObject({ kind: "certificate", nvIndex: ENDORSEMENT_KINDS["ecc-p256"].certificateIndex });
      await prove("ecc-p256", tpm);
    });
  });
});

describe("what is wrong with a certificate", () => {
  const told = async (kind: EndorsementKeyKind, work: (tpm: Tpm) => Promise<unknown>): Promise<string> => {
    const error = await withTpm({ endorsementKey: kind }, work).then(
      (found) => (isCertificateOf(found) ? found.source.certificateProblem : undefined),
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof TpmError)) throw new Error("nothing is wrong", { cause: error });
    return `${error.code} ${error.message} ${TPM_ERRORS[error.code].meaning} ${error.mend}`;
  };

  function isCertificateOf(found: unknown): found is { source: { certificateProblem?: TpmError } } {
    return typeof found === "object" && found !== null && "source" in found;
  }

  it.each([
    ["rsa3072", "0x01c0001c"],
    ["ecc-p256", "0x01c0000a"],
  ] as const)("of %s is told with its own index and no other", async (kind, index) => {
    const kept = kind === "rsa3072" ? await tpm2File("nvread", "-C", "o", index) : undefined;
    try {
      await writeIndex(swtpm.tcti, index, Buffer.from("this is no certificate"));
      const unreadable = await told(kind, (tpm) => tpm.readEndorsementKey());
      expect(unreadable).toMatch(/^TPM_EK_CERTIFICATE_UNREADABLE .*`--without-ek-certificate`/);
      await writeIndex(swtpm.tcti, index, certify(folder, pemOf(strangersKey(kind))));
      const mismatch = await told(kind, (tpm) => tpm.prepareAttestation());
      expect(mismatch).toMatch(/^TPM_EK_CERTIFICATE_MISMATCH /);
      for (const text of [unreadable, mismatch]) {
        expect(new Set(text.toLowerCase().match(/0x1?0?1?c0[0-9a-f]+/g))).toEqual(new Set([index]));
      }
    } finally {
      if (kept !== undefined) await writeIndex(swtpm.tcti, index, kept);
      else await undefineIndex(swtpm.tcti, index);
    }
  });

  async function tpm2File(tool: string, ...args: readonly string[]): Promise<Buffer> {
    const file = join(folder, "kept");
    await tpm2(swtpm.tcti, tool, "-o", file, ...args);
    return readFileSync(file);
  }

  function strangersKey(kind: EndorsementKeyKind): Buffer {
    const { publicKey } =
      kind === "ecc-p256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("rsa", { modulusLength: 3072 });
    return publicKey.export({ format: "der", type: "spki" });
  }
});

describe("a key that lies ready in the TPM", () => {
  async function keysMade(kind: EndorsementKeyKind): Promise<string[]> {
    const made: string[] = [];
    const onEvent = (event: TpmEvent): void => {
      if (event.kind === "command-started" && /create(ek|primary)$/.test(event.program)) made.push(event.program);
    };
    await withTpm({ endorsementKey: kind, onEvent }, (tpm) => prove(kind, tpm));
    return made;
  }

  it("is used where it lies, of RSA-3072 at the handle that swtpm gives it: only the attestation key is made", async () => {
    expect(await keysMade("rsa3072")).toEqual(["tpm2_createprimary"]);
  });

  it("of P-256 is found at any handle for endorsement keys, among others; what the certificate does not name is not used", async () => {
    const { tcti } = swtpm;
    const { publicKeySpkiDer } = await withTpm({ endorsementKey: "ecc-p256" }, (tpm) => tpm.readEndorsementKey());
    await writeIndex(tcti, "0x01c0000a", certify(folder, pemOf(publicKeySpkiDer)));
    // Another key of the same kind first: the storage key's template.
    await tpm2(tcti, "createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", join(folder, "other.ctx"));
    await tpm2(tcti, "evictcontrol", "-Q", "-C", "o", "-c", join(folder, "other.ctx"), "0x81010011");
    await tpm2(tcti, "flushcontext", "-t");
    try {
      expect(await keysMade("ecc-p256")).toHaveLength(2);
      await tpm2(tcti, "createek", "-Q", "-G", "ecc", "-c", "0x81010022", "-u", join(folder, "ready.pub"));
      const before = await residue(tcti);
      expect(await keysMade("ecc-p256")).toEqual(["tpm2_createprimary"]);
      expect(await residue(tcti)).toEqual(before);
    } finally {
      for (const handle of ["0x81010011", "0x81010022"]) {
        await tpm2(tcti, "evictcontrol", "-Q", "-C", "o", "-c", handle).catch(() => undefined);
      }
    }
  });
});

describe("a TPM without RSA", () => {
  it("is known by its P-256 key where the protocol allows any, with a P-256 attestation key", async () => {
    const proxy = await startTpmProxy(swtpm.port, withoutRsa);
    const events: string[] = [];
    const onEvent = ({ kind }: TpmEvent): void => void events.push(kind);
    try {
      await withTpm({ endorsementKey: "any", tcti: proxy.tcti, onEvent }, async (tpm) => {
        expect((await tpm.readEndorsementKey()).kind).toBe("ecc-p256");
        await prove("ecc-p256", tpm);
        const { publicArea, attestation, signature } = await tpm.createAttestationKey({
          qualifyingData: Buffer.alloc(0),
        });
        const area = decodePublicArea(publicArea);
        const decoded = decodeSignature(signature);
        expect([area.type, decoded.scheme]).toEqual(["ECC", "ECDSA"]);
        const key = createPublicKey({ key: spkiFromPublicArea(area), format: "der", type: "spki" });
        if (decoded.scheme !== "ECDSA") return;
        const padded = [decoded.r, decoded.s].map((part) => Buffer.concat([Buffer.alloc(32 - part.length), part]));
        const raw = { key, dsaEncoding: "ieee-p1363" } as const;
        expect(verify("sha256", attestation, raw, Buffer.concat(padded))).toBe(true);
      });
    } finally {
      await proxy.stop();
    }
    expect(events.filter((kind) => kind === "ecc-instead")).toHaveLength(1);
  });

  it("has no RSA-3072 key", async () => {
    const proxy = await startTpmProxy(swtpm.port, withoutRsa);
    try {
      const wanted = { endorsementKey: "rsa3072", tcti: proxy.tcti } as const;
      await expect(withTpm(wanted, (tpm) => tpm.prepareAttestation())).rejects.toMatchObject({
        code: expect.stringMatching(/^TPM_(EK|RSA)_UNSUPPORTED$/) as string,
      });
    } finally {
      await proxy.stop();
    }
  });
});
