import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { handles, removePersistentEk, residue } from "../../../../../test/swtpm/index.ts";
import { type Machine, makeChallenge, startMachine } from "./machine.ts";

const PROOF = fileURLToPath(new URL("proof-program.ts", import.meta.url));

/** The longest way: certificate, AK, no persistent EK, so a second key; then the session, then the activation. */
let machine: Machine;
beforeAll(async () => {
  machine = await startMachine({ withEkCertificate: true });
  await removePersistentEk(machine.swtpm.tcti);
});
afterAll(() => machine.dispose());

interface Run {
  readonly outcome: string;
  /** Commands begun before close() was called. */
  readonly commandsToProve: number;
  readonly leftBehind: number;
}

/** A whole proof that is broken off `delayMs` after its nth command has begun; never, when n is 0. */
async function proveUntil(n: number, delayMs: number): Promise<Run> {
  const controller = new AbortController();
  let begun = 0;
  let leftBehind = 0;
  const tpm = await machine.open({
    signal: controller.signal,
    onEvent: (event) => {
      if (event.kind === "left-behind") leftBehind++;
      if (event.kind !== "command-started") return;
      begun++;
      if (begun === n) setTimeout(() => controller.abort(), delayMs);
    },
  });
  let outcome = "proved";
  let commandsToProve = 0;
  try {
    const { publicKeySpkiDer } = await tpm.readEndorsementKey();
    const key = await tpm.createAttestationKey({ qualifyingData: new Uint8Array(0) });
    const challenge = makeChallenge(machine.folder, publicKeySpkiDer, key.name, Buffer.from("secret"));
    await tpm.activateCredential(key, challenge.credentialBlob, challenge.encryptedSecret);
  } catch (error) {
    outcome = error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    commandsToProve = begun;
    await tpm.close();
  }
  return { outcome, commandsToProve, leftBehind };
}

describe("an abort", () => {
  it.each([0, 4, 12, 30])(
    "%d ms into any step leaves nothing in the TPM and no file",
    async (delayMs) => {
      const before = await residue(machine.swtpm.tcti);
      const { outcome, commandsToProve } = await proveUntil(0, 0);
      expect(outcome).toBe("proved");
      expect(commandsToProve).toBeGreaterThan(10);
      const outcomes: string[] = [];
      for (let n = 1; n <= commandsToProve; n++) {
        const run = await proveUntil(n, delayMs);
        outcomes.push(run.outcome);
        expect({ n, left: await residue(machine.swtpm.tcti) }).toEqual({ n, left: before });
        expect({ n, files: machine.leftFiles(), events: run.leftBehind }).toEqual({ n, files: [], events: 0 });
      }
      // An abort that comes later than the last commands take meets a proof that is done.
      const surelyMet = delayMs === 0 ? outcomes : outcomes.slice(0, outcomes.length / 2);
      expect(new Set(surelyMet)).toEqual(new Set(["TPM_INTERRUPTED"]));
    },
    120_000,
  );

  it("before the first step does not touch the TPM", async () => {
    const controller = new AbortController();
    controller.abort();
    const programs: string[] = [];
    const tpm = await machine.open({
      signal: controller.signal,
      onEvent: (event) => event.kind === "command-started" && programs.push(event.program),
    });
    await expect(tpm.readEndorsementKey()).rejects.toMatchObject({ code: "TPM_INTERRUPTED", failure: "interrupted" });
    await tpm.close();
    expect(programs).toEqual([]);
  });
});

describe("Ctrl-C in a terminal, which goes to the program and to the tool that it runs", () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill("SIGKILL"));

  it.each([1, 2, 4, 6, 8, 10, 12])("at command %d leaves nothing in the TPM", async (n) => {
    const { tcti } = machine.swtpm;
    const before = await residue(tcti);
    // A process group of its own, as a terminal gives to what it runs in the foreground.
    const program = spawn(process.execPath, [PROOF, tcti, machine.folder], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = program;
    const exited = once(program, "exit");
    let text = "";
    let begun = 0;
    program.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const commands = text.split("command-started").length - 1;
      if (begun < n && commands >= n && program.pid !== undefined) process.kill(-program.pid, "SIGINT");
      begun = commands;
    });
    const [exitCode] = (await exited) as [number];
    expect(text).toContain("outcome TPM_INTERRUPTED");
    expect(exitCode).toBe(0);
    expect(await residue(tcti)).toEqual(before);
  });

  it("twice, while it cleans up, leaves nothing either", async () => {
    const { tcti } = machine.swtpm;
    const before = await residue(tcti);
    const program = spawn(process.execPath, [PROOF, tcti, machine.folder], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = program;
    const exited = once(program, "exit");
    let presses = 0;
    program.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      if (presses > 0 || !chunk.includes("tpm2_certifycreation")) return;
      for (presses = 1; presses <= 5; presses++) {
        setTimeout(() => program.exitCode === null && program.pid && process.kill(-program.pid, "SIGINT"), 7 * presses);
      }
    });
    await exited;
    expect(await residue(tcti)).toEqual(before);
    expect(await handles(tcti, "saved-session")).toEqual([]);
  });
});
