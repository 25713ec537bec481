/** Sessions of programs that were killed: their number in a TPM is small, and nobody else takes them out. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { handles, resetTpm, residue } from "../../../../../test/swtpm/index.ts";
import { type Machine, makeChallenge, startMachine, withTpm } from "./machine.ts";

const KILLED = fileURLToPath(new URL("killed-program.ts", import.meta.url));
const NONE = new Uint8Array(0);
const SECRET = Buffer.from("0123456789abcdef0123456789abcdef");

let machine: Machine;
let work: string;
beforeEach(async () => {
  machine = await startMachine({ withEkCertificate: true });
  work = join(machine.folder, "work");
});
afterEach(() => machine.dispose());

async function killOne(tcti = machine.swtpm.tcti): Promise<void> {
  const program = spawn(process.execPath, [KILLED, tcti, work], { stdio: "inherit" });
  expect(await once(program, "exit")).toEqual([null, "SIGKILL"]);
}

const savedSessions = (): Promise<string[]> => handles(machine.swtpm.tcti, "saved-session");

describe("what a killed program left in the TPM and in its folder", () => {
  it("is taken away by the next, so that it never becomes more", async () => {
    const before = await residue(machine.swtpm.tcti);
    for (let time = 0; time < 3; time++) await killOne();
    expect(await savedSessions()).toHaveLength(1);
    expect(machine.leftFiles()).toHaveLength(1);
    await withTpm(machine, (tpm) => tpm.readEndorsementKey());
    expect(await savedSessions()).toEqual([]);
    expect(machine.leftFiles()).toEqual([]);
    await withTpm(machine, (tpm) => tpm.createAttestationKey({ qualifyingData: NONE }));
    expect({ ...(await residue(machine.swtpm.tcti)), transient: [] }).toEqual(before);
  });

  it("is left where it is of another TPM, whose session has the same handle as somebody's here", async () => {
    const other = await startMachine({ withEkCertificate: true });
    try {
      await killOne(other.swtpm.tcti);
      await withTpm(machine, (tpm) => tpm.readEndorsementKey());
      expect(machine.leftFiles()).toHaveLength(1);
      expect(await handles(other.swtpm.tcti, "saved-session")).toHaveLength(1);
    } finally {
      await other.dispose();
    }
  });

  it("is removed all the same where the session is no more", async () => {
    await killOne();
    await resetTpm(machine.swtpm.tcti, machine.swtpm.port);
    await withTpm(machine, (tpm) => tpm.readEndorsementKey());
    expect(machine.leftFiles()).toEqual([]);
  });
});

describe("what a living program has", () => {
  it("is not touched: its challenge is opened after another has come and gone", async () => {
    await withTpm(machine, async (living) => {
      const { publicKeySpkiDer } = await living.readEndorsementKey();
      const key = await living.createAttestationKey({ qualifyingData: NONE });
      const held = await savedSessions();
      await withTpm(machine, (other) => other.readEndorsementKey());
      expect(await savedSessions()).toEqual(held);
      const { credentialBlob, encryptedSecret } = makeChallenge(machine.folder, publicKeySpkiDer, key.name, SECRET);
      expect(SECRET.equals(await living.activateCredential(key, credentialBlob, encryptedSecret))).toBe(true);
    });
  });
});

describe("what is none of ours", () => {
  it.each<[string, (left: string) => void]>([
    ["another user's folder", (left) => chownSync(left, 65_534, 65_534)],
    [
      "a link",
      (left) => {
        renameSync(left, join(machine.folder, "elsewhere"));
        symlinkSync(join(machine.folder, "elsewhere"), left);
      },
    ],
    ["a folder that all may write", (left) => chmodSync(left, 0o777)],
    ["a folder of another name", (left) => renameSync(left, join(work, "tpm-of-others"))],
  ])("is left alone: %s", async (_what, change) => {
    await killOne();
    const [name = ""] = machine.leftFiles();
    change(join(work, name));
    const before = [machine.leftFiles(), await savedSessions()];
    expect(before).toEqual([[expect.any(String)], [expect.any(String)]]);
    await withTpm(machine, (tpm) => tpm.readEndorsementKey());
    expect([machine.leftFiles(), await savedSessions()]).toEqual(before);
  });

  it("is left alone: a folder that says of which TPM it is, and whose session is nothing", async () => {
    const folder = join(work, "ros-tpm-nothing");
    mkdirSync(folder);
    writeFileSync(join(folder, "endorsement.session"), "nonsense");
    await withTpm(machine, (tpm) => tpm.readEndorsementKey());
    expect(readdirSync(folder)).toEqual(["endorsement.session"]);
  });
});
