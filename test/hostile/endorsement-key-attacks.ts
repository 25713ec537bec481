/** Endorsement keys that no secret may be entrusted to, and certificates that are not what they are shown for. */
import { generateKeyPairSync } from "node:crypto";
import { formatAttestationJson } from "@rancheros/protocol/messages";
import { encodeSubjectPublicKey } from "@rancheros/protocol/tpm";
import { answerOf } from "../machine/visit.ts";
import { createEkCertificate, createSoftwareTpm, rocaModulus } from "../software-tpm/index.ts";
import type { Attack, Scene, Told } from "./attack.ts";
import { challenged, dialAndListen, ending, newTpm, show } from "./say.ts";

/** The honest attestation data with another EK in it. */
async function showEk(scene: Scene, spkiDer: Buffer): Promise<Told> {
  return show(scene, newTpm(scene), { mutate: { ek: () => ({ type: "public-key", spkiDer }) } });
}

export function rsaSpki(modulus: Buffer, exponent = 65537): Buffer {
  return encodeSubjectPublicKey({ type: "rsa", bits: modulus.length * 8, modulus, exponent });
}

function withoutField(scene: Scene, field: "EK" | "AK"): Record<string, string> {
  const data = JSON.parse(formatAttestationJson(newTpm(scene).attestationData())) as Record<string, unknown>;
  const json = JSON.stringify({ ...data, [field]: undefined });
  return { Authorization: `Bearer TPM${Buffer.from(json).toString("base64")}` };
}

const told = { via: "http", code: 401, text: /endorsement key|EK|keys/ } as const;

export const ENDORSEMENT_KEY_ATTACKS: readonly Attack[] = [
  {
    line: "ek",
    what: "no endorsement key",
    reason: "MESSAGE_FIELDS",
    told,
    run: async (scene) => dialAndListen({ url: scene.url, headers: withoutField(scene, "EK") }),
  },
  {
    line: "ak",
    what: "no attestation key",
    reason: "MESSAGE_FIELDS",
    told: { via: "http", code: 401, text: /AK: is missing/ },
    run: async (scene) => dialAndListen({ url: scene.url, headers: withoutField(scene, "AK") }),
  },
  {
    line: "ek",
    what: "RSA-1024",
    reason: "EK_TOO_SHORT",
    told,
    run: async (scene) => show(scene, createSoftwareTpm({ ak: scene.ak, ekRsaBits: 1024 })),
  },
  {
    line: "ek",
    what: "RSA-3072 in the protocol that cannot carry it",
    reason: "EK_SIZE_UNSUPPORTED",
    told,
    run: async (scene) => show(scene, createSoftwareTpm({ ak: scene.ak, ekRsaBits: 3072 })),
  },
  {
    line: "ek",
    what: "P-256 in the protocol that cannot carry it",
    reason: "EK_NOT_LEGACY",
    told,
    run: async (scene) => show(scene, createSoftwareTpm({ ak: scene.ak, ekType: "ec" })),
  },
  {
    line: "ek",
    what: "Ed25519",
    reason: "EK_KEY_TYPE",
    told,
    run: async (scene) =>
      showEk(scene, generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" })),
  },
  {
    line: "ek",
    what: "exponent 3",
    reason: "EK_EXPONENT",
    told,
    run: async (scene) => showEk(scene, rsaSpki(Buffer.alloc(256, 0xdb), 3)),
  },
  {
    line: "ek",
    what: "an even modulus",
    reason: "EK_MODULUS",
    told,
    run: async (scene) => showEk(scene, rsaSpki(Buffer.alloc(256, 0xdc))),
  },
  {
    line: "ek",
    what: "a key of the library whose keys can be factored",
    reason: "EK_ROCA",
    told: { via: "http", code: 401, text: /CVE-2017-15361/ },
    run: async (scene) => showEk(scene, rsaSpki(rocaModulus(1_000))),
  },
  {
    line: "ek",
    what: "bytes that are no key",
    reason: "EK_UNREADABLE",
    told,
    run: async (scene) => showEk(scene, Buffer.from("3003020100", "hex")),
  },
  {
    line: "certificate",
    what: "a certificate that is none",
    reason: "EK_CERTIFICATE_UNREADABLE",
    told: { via: "http", code: 401, text: /certificate/ },
    run: async (scene) =>
      show(scene, newTpm(scene), {
        mutate: { ek: () => ({ type: "certificate", certificateDer: Buffer.from("3003020100", "hex") }) },
      }),
  },
  {
    line: "certificate",
    what: "another machine's certificate beside the own keys: the challenge is for its key",
    reason: "CHALLENGE_FAILED",
    told: { via: "close", code: 1008, text: /answer to the challenge is wrong/ },
    run: async (scene) => {
      const other = newTpm(scene);
      const certificate = createEkCertificate({ spkiDer: other.ekSpkiDer });
      const tpm = createSoftwareTpm({ ak: scene.ak, ekCertificateDer: certificate });
      const session = await challenged(scene, tpm);
      // It cannot open what was sealed for the other: it can only guess.
      session.socket.send(JSON.stringify({ Secret: Buffer.alloc(32).toString("base64") }));
      return ending(session);
    },
  },
  {
    line: "certificate",
    what: "a challenge for another key than the one that answers",
    reason: "CHALLENGE_FAILED",
    told: { via: "close", code: 1008, text: /answer to the challenge is wrong/ },
    run: async (scene) => {
      const [one, two] = [await challenged(scene), await challenged(scene)];
      one.socket.send(answerOf(two.tpm, two.challenge));
      two.socket.terminate();
      return ending(one);
    },
  },
];
