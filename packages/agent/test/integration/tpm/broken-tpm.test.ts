import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { generateKeyPairSync } from "node:crypto";

import {
  TPM_CC,
  type Tampering,
  disableEndorsementHierarchy,
  failWith,
  lockOut,
  occupySlots,
  residue,
  setHierarchyAuth,
  startTpmProxy,
  tpm2,
  withoutRsa,
} from "../../../../../test/swtpm/index.ts";
import { type Machine, type OpenSettings, makeChallenge, startMachine, withTpm } from "./machine.ts";

const NONE = new Uint8Array(0);

let machine: Machine;
beforeEach(async () => {
  machine = await startMachine({ withEkCertificate: false });
});
afterEach(() => machine.dispose());

/** The whole proof up to the activation, with something between us and the TPM. */
async function prove(settings: OpenSettings = {}): Promise<unknown> {
  return withTpm(
    machine,
    async (tpm) => {
      const { publicKeySpkiDer } = await tpm.readEndorsementKey();
      const key = await tpm.createAttestationKey({ qualifyingData: NONE });
      const challenge = makeChallenge(machine.folder, publicKeySpkiDer, key.name, Buffer.from("secret"));
      return tpm.activateCredential(key, challenge.credentialBlob, challenge.encryptedSecret);
    },
    settings,
  );
}

async function proveThrough(
  tamper: (commandCode: number, command: Uint8Array) => Tampering,
  settings: OpenSettings = {},
): Promise<unknown> {
  const proxy = await startTpmProxy(machine.swtpm.port, tamper);
  try {
    return await prove({ tcti: proxy.tcti, ...settings });
  } finally {
    await proxy.stop();
  }
}

describe("a TPM in a state that stops us: a clear error, and nothing left in it", () => {
  it("in dictionary attack lockout, as some power cuts leave it, proves itself all the same", async () => {
    await lockOut(machine.swtpm.tcti);
    const before = await residue(machine.swtpm.tcti);
    const { hash } = await withTpm(machine, (tpm) => tpm.readEndorsementKey());
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(String(await prove())).toBe("secret");
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
    // Our own attempt must not have made it worse.
    const counters = await tpm2(machine.swtpm.tcti, "getcap", "properties-variable");
    expect(counters).toContain("TPM2_PT_LOCKOUT_COUNTER: 0x1\n");
  });

  it("with a password on its endorsement hierarchy", async () => {
    await setHierarchyAuth(machine.swtpm.tcti, "endorsement", "sesame");
    const before = await residue(machine.swtpm.tcti);
    await expect(prove()).rejects.toMatchObject({ code: "TPM_AUTHORISATION_SET" });
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
  });

  it("with its endorsement hierarchy switched off", async () => {
    await disableEndorsementHierarchy(machine.swtpm.tcti);
    await expect(prove()).rejects.toMatchObject({ code: "TPM_HIERARCHY_DISABLED" });
  });

  it("with a password on its owner hierarchy only: that does not stop us", async () => {
    await setHierarchyAuth(machine.swtpm.tcti, "owner", "sesame");
    expect(await prove()).toEqual(Buffer.from("secret"));
  });

  it("full of another program's keys, which are left alone", async () => {
    await occupySlots(machine.swtpm.tcti, 3);
    const before = await residue(machine.swtpm.tcti);
    await expect(prove()).rejects.toMatchObject({ code: "TPM_NO_ROOM", retry: "backoff" });
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
    expect(before["transient"]).toHaveLength(3);
  });

  it("with one key of another program: there is room for us, and that key stays", async () => {
    await occupySlots(machine.swtpm.tcti, 1);
    const before = await residue(machine.swtpm.tcti);
    expect(await prove()).toEqual(Buffer.from("secret"));
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
  });
});

describe("a TPM that answers otherwise than it should", () => {
  it("knows no RSA", async () => {
    await expect(proveThrough(withoutRsa)).rejects.toMatchObject({ code: "TPM_RSA_UNSUPPORTED" });
  });

  it.each([
    ["TPM_RC_RETRY", 0x922],
    ["TPM_RC_NV_RATE", 0x920],
  ])("has no time (%s), for longer than the tools wait", async (_name, responseCode) => {
    const busy = proveThrough((commandCode) =>
      commandCode === TPM_CC.CertifyCreation ? failWith(responseCode) : undefined,
    );
    await expect(busy).rejects.toMatchObject({ code: "TPM_BUSY", retry: "backoff" });
    expect(machine.leftFiles()).toEqual([]);
  });

  it("has no time once: the tools ask again by themselves", async () => {
    let asked = 0;
    const secret = await proveThrough((commandCode) =>
      commandCode === TPM_CC.CertifyCreation && asked++ === 0 ? failWith(0x922) : undefined,
    );
    expect(secret).toEqual(Buffer.from("secret"));
    expect(asked).toBeGreaterThan(1);
  });

  it("is in failure mode", async () => {
    const failed = proveThrough((commandCode) => (commandCode === TPM_CC.CreatePrimary ? failWith(0x101) : undefined));
    await expect(failed).rejects.toMatchObject({
      code: "TPM_COMMAND_FAILED",
      response: { name: "TPM_RC_FAILURE" },
    });
  });

  it("falls silent: we give up in time, and say what we could not clean up", async () => {
    const events: string[] = [];
    const startedMs = performance.now();
    const silent = proveThrough((commandCode) => (commandCode === TPM_CC.CertifyCreation ? "silence" : undefined), {
      timeoutMs: 1_000,
      onEvent: (event) => event.kind === "left-behind" && events.push(event.error.code),
    });
    await expect(silent).rejects.toMatchObject({ code: "TPM_TIMED_OUT", failure: "timeout", retry: "backoff" });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    // The swtpm itself was not silent, only the one command never reached it: all could be cleaned up.
    expect(events).toEqual([]);
    expect((await residue(machine.swtpm.tcti))["transient"]).toEqual([]);
  });

  it("refuses the policy once: another try works, and the first session does not stay", async () => {
    const before = await residue(machine.swtpm.tcti);
    let asked = 0;
    const proxy = await startTpmProxy(machine.swtpm.port, (commandCode) =>
      commandCode === TPM_CC.PolicySecret && asked++ === 0 ? failWith(0x9a2) : undefined,
    );
    try {
      await withTpm(
        machine,
        async (tpm) => {
          const attest = () => tpm.createAttestationKey({ qualifyingData: NONE });
          await expect(attest()).rejects.toMatchObject({ code: "TPM_AUTHORISATION_SET" });
          expect((await attest()).name.length).toBe(34);
        },
        { tcti: proxy.tcti },
      );
    } finally {
      await proxy.stop();
    }
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
  });

  it("hangs up in the middle of a command", async () => {
    const broken = proveThrough((commandCode) => (commandCode === TPM_CC.CertifyCreation ? "hang-up" : undefined));
    await expect(broken).rejects.toMatchObject({ code: "TPM_UNREACHABLE", failure: "unreachable" });
  });

  it("answers bytes that are no TPM structure", async () => {
    const nonsense = proveThrough((commandCode) =>
      commandCode === TPM_CC.CreatePrimary ? { answer: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n") } : undefined,
    );
    await expect(nonsense).rejects.toMatchObject({ name: "TpmError" });
  });

  it("dies after the attestation: the error says so, and that something may have stayed", async () => {
    const events: string[] = [];
    const settings: OpenSettings = {
      onEvent: (event) => event.kind === "left-behind" && events.push(event.error.code),
    };
    const dead = withTpm(
      machine,
      async (tpm) => {
        const key = await tpm.createAttestationKey({ qualifyingData: NONE });
        await machine.swtpm.stop();
        const spki = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
          format: "der",
          type: "spki",
        });
        const challenge = makeChallenge(machine.folder, spki, key.name, Buffer.from("secret"));
        return tpm.activateCredential(key, challenge.credentialBlob, challenge.encryptedSecret);
      },
      settings,
    );
    await expect(dead).rejects.toMatchObject({ code: "TPM_UNREACHABLE" });
    expect(events).toEqual(["TPM_LEFT_BEHIND"]);
    expect(machine.leftFiles()).toEqual([]);
  });
});
