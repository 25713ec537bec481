/** What a node does with its TPM, done by tpm2-tools alone, so that the verifier meets bytes which no code of ours made. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unwrapTpm2b } from "@rancheros/protocol/tpm";
import type { AttestationData, AttestationKeyParameters, Challenge } from "@rancheros/protocol/messages";
import { authorityFiles, startSwtpm, tpm2 } from "../../../../../test/swtpm/index.ts";

export interface TpmByHand {
  /** Like rancherd's: a child of the storage root key; or like ros-agent's: a primary of the endorsement hierarchy. */
  createAttestationKey(kind: AttestationKeyKind, qualifyingData?: Buffer): Promise<AttestationKeyParameters>;
  /** The EK's certificate from NV memory, or the bare key. */
  endorsementKey(kind: EndorsementKeyKind): Promise<AttestationData["ek"]>;
  /** TPM2_ActivateCredential; rejects when the TPM refuses. */
  activate(ak: AttestationKeyKind, ek: EndorsementKeyKind, challenge: Challenge): Promise<Buffer>;
  /** Of the authority that signed the certificates: root and what lies between, PEM. */
  authority(): Promise<{ readonly root: string; readonly intermediate: string }>;
  stop(): Promise<void>;
}

export type AttestationKeyKind = "rsa-child" | "rsa-primary" | "ecc-primary";
/** The third one only where the TPM was made with it. */
export type EndorsementKeyKind = "rsa-certificate" | "rsa" | "rsa3072-certificate" | "ecc";

const ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign";
const SCHEMES = { "rsa-child": "rsassa", "rsa-primary": "rsassa", "ecc-primary": "ecdsa" } as const;

/** Template H-6, made persistent in the factory. TCG EK Credential Profile 2.6, 2.2.1.5. */
const LONG_EK = { handle: "0x8101001c", nvIndex: "0x1c0001c" } as const;

export async function startTpmByHand(rsaKeyBits: 2048 | 3072 = 2048): Promise<TpmByHand> {
  const folder = await mkdtemp(join(tmpdir(), "tpm-by-hand-"));
  const file = (name: string): string => join(folder, name);
  // Each of a maker of its own, whose certificates say nothing of the others.
  const maker = { authorityFolder: file("authority") };
  const swtpm = await startSwtpm({ ...maker, stateFolder: file("state"), withEkCertificate: true, rsaKeyBits });
  /** Without a resource manager the transient slots must be emptied by hand. */
  const run = async (tool: string, ...args: readonly string[]): Promise<void> => {
    try {
      await tpm2(swtpm.tcti, tool, ...args);
    } finally {
      await tpm2(swtpm.tcti, "flushcontext", "-t");
    }
  };
  const ekContext = (kind: EndorsementKeyKind): string => {
    if (kind === "rsa3072-certificate") return LONG_EK.handle;
    return file(kind === "ecc" ? "ek-ecc.ctx" : "ek-rsa.ctx");
  };
  await run("createek", "-G", "rsa", "-c", file("ek-rsa.ctx"));
  await run("createek", "-G", "ecc", "-c", file("ek-ecc.ctx"));
  await run("createprimary", "-C", "o", "-G", "rsa2048", "-c", file("srk.ctx"));

  const create = async (kind: AttestationKeyKind): Promise<void> => {
    const algorithm = kind === "ecc-primary" ? "ecc256:ecdsa-sha256:null" : "rsa2048:rsassa-sha256:null";
    const birth = ["--creation-data", file("data"), "-t", file("ticket"), "-d", file("hash")];
    if (kind !== "rsa-child") {
      await run("createprimary", "-C", "e", "-G", algorithm, "-a", ATTRIBUTES, "-c", file(`${kind}.ctx`), ...birth);
      return;
    }
    const halves = ["-u", file("child.pub"), "-r", file("child.priv")];
    await run("create", "-C", file("srk.ctx"), "-G", algorithm, "-a", ATTRIBUTES, ...halves, ...birth);
    await run("load", "-C", file("srk.ctx"), ...halves, "-c", file(`${kind}.ctx`));
  };

  return {
    async createAttestationKey(kind, qualifyingData) {
      await create(kind);
      const context = file(`${kind}.ctx`);
      const qualification = qualifyingData === undefined ? [] : ["-q", qualifyingData.toString("hex")];
      const output = ["-f", "tss", "-o", file("signature"), "--attestation", file("attestation")];
      const birth = ["-d", file("hash"), "-t", file("ticket")];
      const signer = ["-C", context, "-c", context, "-g", "sha256", "-s", SCHEMES[kind]];
      await run("certifycreation", ...signer, ...birth, ...qualification, ...output);
      await run("readpublic", "-c", context, "-f", "tss", "-o", file("public"));
      return {
        public: unwrapTpm2b(await readFile(file("public")), "TPM2B_PUBLIC"),
        createData: unwrapTpm2b(await readFile(file("data")), "TPM2B_CREATION_DATA"),
        createAttestation: await readFile(file("attestation")),
        createSignature: await readFile(file("signature")),
      };
    },

    async endorsementKey(kind) {
      if (kind === "rsa-certificate" || kind === "rsa3072-certificate") {
        const index = kind === "rsa-certificate" ? "0x1c00002" : LONG_EK.nvIndex;
        await run("nvread", index, "-C", "o", "-o", file("ek.crt"));
        return { type: "certificate", certificateDer: await readFile(file("ek.crt")) };
      }
      await run("readpublic", "-c", ekContext(kind), "-f", "der", "-o", file("ek.der"));
      return { type: "public-key", spkiDer: await readFile(file("ek.der")) };
    },

    async activate(ak, ek, challenge) {
      // The tool's own file format: magic, version 1, then the two structures.
      const header = Buffer.from("badcc0de00000001", "hex");
      await writeFile(file("credential"), Buffer.concat([header, challenge.credentialBlob, challenge.encryptedSecret]));
      if (ek === "rsa3072-certificate") {
        // Keys of the high range may be used with their empty password (userWithAuth is set).
        const keys = ["-c", file(`${ak}.ctx`), "-C", ekContext(ek)];
        await run("activatecredential", ...keys, "-i", file("credential"), "-o", file("secret"));
        return readFile(file("secret"));
      }
      const session = file("session.ctx");
      await run("startauthsession", "--policy-session", "-S", session);
      try {
        await run("policysecret", "-S", session, "-c", "e");
        const keys = ["-c", file(`${ak}.ctx`), "-C", ekContext(ek), "-P", `session:${session}`];
        await run("activatecredential", ...keys, "-i", file("credential"), "-o", file("secret"));
        return await readFile(file("secret"));
      } finally {
        await tpm2(swtpm.tcti, "flushcontext", session).catch(() => undefined);
      }
    },

    async authority() {
      const { rootCertificate, issuerCertificate } = authorityFiles(swtpm.authorityFolder);
      const [root, intermediate] = await Promise.all(
        [rootCertificate, issuerCertificate].map((name) => readFile(name, "utf8")),
      );
      return { root: root ?? "", intermediate: intermediate ?? "" };
    },

    async stop() {
      await swtpm.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
