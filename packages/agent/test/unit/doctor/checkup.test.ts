import { describe, expect, it, vi } from "vitest";

import { CHECKS } from "../../../src/doctor/check-names.ts";
import { both, createCheckup, ifFound, NOTHING, type Checkup } from "../../../src/doctor/checkup.ts";
import { DoctorError } from "../../../src/doctor/errors.ts";
import { ok, skipped, unsettled, warn } from "../../../src/doctor/verdict.ts";
import { TpmError } from "../../../src/tpm/index.ts";

function checkup(limitMs = 60_000, signal: AbortSignal = new AbortController().signal): Checkup {
  return createCheckup({ limitMs, signal, nowMs: () => performance.now() });
}

async function lines(made: Checkup, names: Parameters<Checkup["run"]>[0]): Promise<readonly string[]> {
  const { findings } = await made.run(names);
  return findings.map(({ check, outcome, sentence, code }) => `${check} ${outcome} ${sentence} ${code ?? "-"}`);
}

const NEVER = new Promise<never>(() => undefined);

describe("a checkup", () => {
  it("gives what a check has found to those that need it, and tells them in the order of the list", async () => {
    const made = checkup();
    const clock = made.add("clock", { needs: NOTHING, run: async () => ok("right", 7) });
    const tpm = made.add("tpm", { needs: NOTHING, run: async () => ok("answers", "chip") });
    made.add("smbios", { needs: both(tpm, clock), run: async ([chip, number]) => ok(`${chip} ${number}`) });
    expect(await lines(made, ["smbios"])).toEqual(["tpm ok answers -", "smbios ok chip 7 -", "clock ok right -"]);
  });

  it("does not make what nobody asked for and nothing needs", async () => {
    const made = checkup();
    let calls = 0;
    made.add("tpm", { needs: NOTHING, run: async () => ok(String(++calls)) });
    made.add("clock", { needs: NOTHING, run: async () => ok("right") });
    expect(await lines(made, ["clock"])).toEqual(["clock ok right -"]);
    expect(calls).toBe(0);
  });

  it("makes a check once, however many need it", async () => {
    const made = checkup();
    let calls = 0;
    const tpm = made.add("tpm", { needs: NOTHING, run: async () => ok(String(++calls)) });
    made.add("clock", { needs: tpm, run: async () => ok("a") });
    made.add("smbios", { needs: tpm, run: async () => ok("b") });
    await made.run(["clock", "smbios", "tpm"]);
    expect(calls).toBe(1);
  });

  it("skips what builds on a failure and says because of what, however far away", async () => {
    const made = checkup();
    const tpm = made.add<undefined, undefined>("tpm", {
      needs: NOTHING,
      run: async () => Promise.reject(new TpmError("TPM_DEVICE_MISSING", "there is none")),
    });
    const key = made.add("endorsement-key", { needs: tpm, run: async () => ok("key") });
    made.add("ek-certificate", { needs: key, run: async () => ok("certificate") });
    const report = await made.run(["ek-certificate"]);
    expect(report.findings.map(({ outcome, sentence }) => `${outcome} ${sentence}`)).toEqual([
      "fail there is none",
      "skipped because the check of TPM failed",
      "skipped because the check of TPM failed",
    ]);
    expect(report.ok).toBe(false);
    expect(report.failure?.code).toBe("TPM_DEVICE_MISSING");
  });

  it("hands the reason on where there is nothing to check, which is no failure", async () => {
    const made = checkup();
    const server = made.add<undefined, string>("api-server", {
      needs: NOTHING,
      run: async () => skipped("it is no node"),
    });
    made.add("own-node", { needs: server, run: async (name) => ok(name) });
    const report = await made.run(["own-node"]);
    expect(report.findings.map(({ sentence }) => sentence)).toEqual(["because it is no node", "because it is no node"]);
    expect(report).toMatchObject({ ok: true, failure: undefined, warning: undefined });
  });

  it("goes on without what it can do without", async () => {
    const made = checkup();
    const server = made.add<undefined, string>("operator-url", { needs: NOTHING, run: async () => skipped("no URL") });
    made.add("clock", { needs: ifFound(server), run: async (url) => ok(url ?? "by itself") });
    expect(await lines(made, ["clock"])).toContain("clock ok by itself -");
  });

  it("lets warnings pass, builds on them, and does not build on what came to no end", async () => {
    const made = checkup();
    const problem = new DoctorError("DOCTOR_TPM_SLOW", "slow");
    const tpm = made.add("tpm", { needs: NOTHING, run: async () => warn(problem, 1) });
    const key = made.add<number, number>("endorsement-key", { needs: tpm, run: async () => unsettled(problem) });
    made.add("ek-certificate", { needs: key, run: async () => ok("never") });
    const report = await made.run(["ek-certificate"]);
    expect(report.findings.map(({ outcome }) => outcome)).toEqual(["warn", "warn", "skipped"]);
    expect(report).toMatchObject({ ok: true, warning: problem });
  });

  it("turns a defect of one check into a finding, and makes the others", async () => {
    const made = checkup();
    made.add("tpm", { needs: NOTHING, run: async () => Promise.reject(new TypeError("x is undefined")) });
    made.add("clock", { needs: NOTHING, run: async () => ok("right") });
    expect(await lines(made, ["tpm", "clock"])).toEqual([
      "tpm fail the check itself failed: x is undefined DOCTOR_DEFECT",
      "clock ok right -",
    ]);
  });
});

describe("the deadlines of a checkup", () => {
  it("end each check that hangs on its own, with its domain's word where it has one, and hold up no other", async () => {
    vi.useFakeTimers();
    try {
      const made = checkup();
      made.add("dns", { needs: NOTHING, run: () => NEVER });
      const late = new TpmError("TPM_TIMED_OUT", "silent");
      made.add("tpm", { needs: NOTHING, run: () => NEVER, late: () => late });
      made.add("clock", { needs: NOTHING, run: async () => ok("right") });
      const done = lines(made, ["dns", "tpm", "clock"]);
      await vi.advanceTimersByTimeAsync(CHECKS.tpm.limitMs);
      expect(await done).toEqual([
        "tpm fail silent TPM_TIMED_OUT",
        "clock ok right -",
        "dns fail nothing came of DNS within 3 s DOCTOR_TIMED_OUT",
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("end the whole, also where one check after the other takes its time", async () => {
    const made = checkup(30);
    const tpm = made.add<undefined, undefined>("tpm", {
      needs: NOTHING,
      run: (_needed, signal) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(ok("too late")))),
    });
    made.add("clock", { needs: tpm, run: () => NEVER });
    const report = await made.run(["clock"]);
    expect(report.findings.map(({ outcome }) => outcome)).toEqual(["fail", "skipped"]);
    expect(report.ok).toBe(false);
  });

  it("give the work its signal", async () => {
    const made = checkup(20);
    let wasEnded = false;
    made.add("tpm", {
      needs: NOTHING,
      run: async (_needed, signal) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        wasEnded = true;
        throw new Error("aborted");
      },
    });
    expect(await lines(made, ["tpm"])).toEqual([expect.stringMatching(/^tpm fail .* DOCTOR_TIMED_OUT$/)]);
    expect(wasEnded).toBe(true);
  });

  it("are cut short by an interruption, which is told as one", async () => {
    const controller = new AbortController();
    const made = checkup(60_000, controller.signal);
    made.add("tpm", { needs: NOTHING, run: () => NEVER });
    const done = made.run(["tpm"]);
    controller.abort();
    await expect(done).rejects.toMatchObject({ code: "DOCTOR_INTERRUPTED" });
  });
});
