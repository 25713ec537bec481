/** The prover (agent, on a real TPM) and the verifier (operator) with nothing but the protocol between them. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { formatAttestationHeader, parseAttestationHeader } from "@rancheros/protocol/messages";
import type { AttestationKeyParameters, EndorsementKey as SentEndorsementKey } from "@rancheros/protocol/messages";

import { type AttestationKey, type EndorsementKey, type Tpm, openTpm } from "../../packages/agent/src/tpm/index.ts";
import {
  checkChallengeAnswer,
  makeCredential,
  verifyAttestation,
} from "../../packages/operator/src/attestation/index.ts";
import { type Swtpm, residue, startSwtpm } from "../swtpm/index.ts";

describe.each([{ withEkCertificate: true }, { withEkCertificate: false }])(
  "a machine whose TPM has its EK certificate: $withEkCertificate",
  ({ withEkCertificate }) => {
    let folder: string;
    let swtpm: Swtpm;
    beforeAll(async () => {
      folder = mkdtempSync(path.join(tmpdir(), "ros-attestation-"));
      mkdirSync(path.join(folder, "work"));
      swtpm = await startSwtpm({ stateFolder: path.join(folder, "tpm"), withEkCertificate });
    });
    afterAll(async () => {
      await swtpm.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    async function withTpm(work: (tpm: Tpm) => Promise<void>): Promise<void> {
      const tpm = await openTpm({
        tcti: swtpm.tcti,
        signal: new AbortController().signal,
        timeoutMs: 30_000,
        workFolder: path.join(folder, "work"),
        environment: process.env,
      });
      try {
        await work(tpm);
      } finally {
        await tpm.close();
      }
    }

    it("is believed, challenged and answers, and its TPM is as before", async () => {
      const before = await residue(swtpm.tcti);
      const qualifyingData = randomBytes(32);
      await withTpm(async (tpm) => {
        const endorsementKey = await tpm.readEndorsementKey();
        const attestationKey = await tpm.createAttestationKey({ qualifyingData });

        const header = formatAttestationHeader({ ek: sent(endorsementKey), ak: parameters(attestationKey) });
        const verified = verifyAttestation(parseAttestationHeader(header), { qualifyingData });
        expect(verified.endorsementKey.hash).toBe(endorsementKey.hash);

        const secret = randomBytes(32);
        const { credentialBlob, encryptedSecret } = makeCredential({
          ek: verified.endorsementKey,
          akName: verified.attestationKey.name,
          secret,
          randomBytes,
        });
        const answer = await tpm.activateCredential(attestationKey, credentialBlob, encryptedSecret);
        expect(checkChallengeAnswer(secret, answer)).toBe(true);
      });
      expect(await residue(swtpm.tcti)).toEqual(before);
    });

    it("is not believed with an attestation over another nonce", async () => {
      await withTpm(async (tpm) => {
        const endorsementKey = await tpm.readEndorsementKey();
        const attestationKey = await tpm.createAttestationKey({ qualifyingData: randomBytes(32) });
        const data = { ek: sent(endorsementKey), ak: parameters(attestationKey) };
        expect(() => verifyAttestation(data, { qualifyingData: randomBytes(32) })).toThrow(
          expect.objectContaining({ code: "AK_QUALIFYING_DATA" }),
        );
      });
    });
  },
);

function sent({ source, publicKeySpkiDer }: EndorsementKey): SentEndorsementKey {
  return source.kind === "certificate"
    ? { type: "certificate", certificateDer: source.certificateDer }
    : { type: "public-key", spkiDer: publicKeySpkiDer };
}

function parameters(key: AttestationKey): AttestationKeyParameters {
  return {
    public: key.publicArea,
    createData: key.creationData,
    createAttestation: key.attestation,
    createSignature: key.signature,
  };
}
