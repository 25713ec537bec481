/** A daemon opens the TPM once for its life, in which others clear it, reset it, and take keys out of it. */
import { join } from "node:path";

import type { Tpm } from "@rancheros/agent/tpm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { PERSISTENT_EK_HANDLE, removePersistentEk, resetTpm, residue, tpm2 } from "../../../../../test/swtpm/index.ts";
import { type Machine, makeChallenge, startMachine, withTpm } from "./machine.ts";

const NONE = new Uint8Array(0);
const SECRET = Buffer.from("0123456789abcdef0123456789abcdef");

let machine: Machine;
beforeEach(async () => {
  machine = await startMachine({ withEkCertificate: true });
});
afterEach(() => machine.dispose());

/** One attestation as a visit makes it. @returns "proved", or the code of the error */
async function attest(tpm: Tpm, beforeAnswer: () => Promise<void> = () => Promise.resolve()): Promise<unknown> {
  try {
    const { publicKeySpkiDer } = await tpm.readEndorsementKey();
    await tpm.prepareAttestation();
    const key = await tpm.createAttestationKey({ qualifyingData: NONE });
    const { credentialBlob, encryptedSecret } = makeChallenge(machine.folder, publicKeySpkiDer, key.name, SECRET);
    await beforeAnswer();
    const secret = await tpm.activateCredential(key, credentialBlob, encryptedSecret);
    return SECRET.equals(secret) ? "proved" : "another secret";
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  } finally {
    await tpm.endAttestation();
  }
}

const clear = async (): Promise<void> => void (await tpm2(machine.swtpm.tcti, "clear", "-c", "p"));

const reset = (): Promise<void> => resetTpm(machine.swtpm.tcti, machine.swtpm.port);

describe("keys that the TPM has no more", () => {
  it.each([
    { what: "cleared", lose: clear, code: "TPM_COMMAND_FAILED" },
    { what: "reset", lose: reset, code: "TPM_COMMAND_FAILED" },
    {
      what: "relieved of its endorsement key",
      lose: () => removePersistentEk(machine.swtpm.tcti),
      code: "TPM_COMMAND_FAILED",
    },
  ])("of a TPM that was $what between two attestations are made anew", async ({ lose, code }) => {
    await withTpm(machine, async (tpm) => {
      expect(await attest(tpm)).toBe("proved");
      await lose();
      expect(await attest(tpm)).toBe(code);
      expect(await attest(tpm)).toBe("proved");
    });
    expect(await residue(machine.swtpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("of a TPM that was cleared before the answer are not taken for a challenge that is another's", async () => {
    await withTpm(machine, async (tpm) => {
      expect(await attest(tpm, clear)).toBe("TPM_COMMAND_FAILED");
      expect(await attest(tpm)).toBe("proved");
    });
  });

  it("of a TPM without a certificate too, whose endorsement key is made of the template", async () => {
    const bare = machine;
    machine = await startMachine({ withEkCertificate: false });
    await bare.dispose();
    await withTpm(machine, async (tpm) => {
      const { hash } = await tpm.readEndorsementKey();
      expect(await attest(tpm)).toBe("proved");
      await clear();
      expect(await attest(tpm)).toBe("TPM_COMMAND_FAILED");
      expect(await attest(tpm)).toBe("proved");
      expect((await tpm.readEndorsementKey()).hash).toBe(hash);
    });
  });
});

describe("between two attestations", () => {
  it("the TPM holds nothing of ours, whatever came of the first: not even a saved session stops other programs", async () => {
    const before = await residue(machine.swtpm.tcti);
    await withTpm(machine, async (tpm) => {
      expect(await attest(tpm)).toBe("proved");
      expect(await residue(machine.swtpm.tcti)).toEqual(before);
      await tpm.createAttestationKey({ qualifyingData: NONE });
      await tpm.endAttestation();
      expect(await residue(machine.swtpm.tcti)).toEqual(before);
      expect(await attest(tpm)).toBe("proved");
    });
  });

  it("a session that others took away is no hindrance", async () => {
    await withTpm(machine, async (tpm) => {
      await tpm.createAttestationKey({ qualifyingData: NONE });
      await tpm2(machine.swtpm.tcti, "flushcontext", "-s");
      expect(await attest(tpm)).toBe("proved");
    });
  });
});

describe("a key at the handle of the RSA-2048 endorsement key", () => {
  it("that is of a kind which this program does not know is not the wanted one", async () => {
    const { tcti } = machine.swtpm;
    const context = join(machine.folder, "p384.ctx");
    await removePersistentEk(tcti);
    await tpm2(tcti, "createprimary", "-Q", "-C", "e", "-G", "ecc384", "-c", context);
    await tpm2(tcti, "evictcontrol", "-Q", "-C", "o", "-c", context, PERSISTENT_EK_HANDLE);
    await tpm2(tcti, "flushcontext", "-t");
    expect(await withTpm(machine, (tpm) => attest(tpm))).toBe("proved");
  });
});
