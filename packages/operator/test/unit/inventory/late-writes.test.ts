/** What a machine says in the course of an upgrade, and what of it is written when: machineRecords on a clock that tests move. */
import type { MachineReport } from "@rancheros/protocol/attestation";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import type { MachineInventoryStatus } from "@rancheros/protocol/resources";
import { isTerminal, PHASE_NAMES, PHASES, type Phase, type UpgradeStatus } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { machineRecords, type MachineProof, type MachineRecords } from "../../../src/inventory/index.ts";
import { randomOf } from "../random-of.ts";
import { VirtualTime } from "../rollout/virtual-time.ts";
import { StoredInventory } from "./stored-inventory.ts";

const HEARD_EVERY_MS = 450_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const WAY: readonly Phase[] = ["Granted", "Staging", "Preparing", "Draining", "Upgrading", "Rebooting", "Verifying"];
const EK_HASH = "ab".repeat(32);

const REPORT: MachineReport = {
  ...EMPTY_REPORT,
  node: {
    name: "n1",
    uid: "n-u1",
    labels: { zone: "a" },
    ready: true,
    unschedulable: false,
    bootId: "b1",
    kubeletVersion: "v1",
  },
};

function word(phase: Phase, more: Partial<UpgradeStatus> = {}): UpgradeStatus {
  const about = { protocol: 2, plan: "cd".repeat(32), image: "os", attempt: 3, digest: undefined, bootId: "b1" };
  return { ...about, phase, reason: undefined, message: undefined, ...more };
}

function proofAt(issuedAtMs: number): MachineProof {
  const shown = { trust: "none", root: undefined, certificateSha256: undefined } as const;
  const challenge = { issuedAtMs, id: "0".repeat(32) };
  return { ...shown, challenge, protocol: 2, ekHash: EK_HASH, report: undefined, isRegistration: false };
}

/** @param upgrading  how many machines are under way in all */
function scene(upgrading: number, replicas = 1) {
  const time = new VirtualTime();
  const stored = new StoredInventory(undefined);
  const start = (): MachineRecords =>
    machineRecords({ send: stored.send } as Kubernetes, {
      upgradingCount: () => upgrading,
      log: SILENT,
      nowMs: () => time.nowMs,
      random: () => 0.5,
      setTimer: time.setTimer,
    });
  const all = Array.from({ length: replicas }, start);
  let turn = 0;
  const records = (): MachineRecords => {
    turn += 1;
    const found = all[turn % all.length];
    if (found === undefined) throw new Error("there is a replica");
    return found;
  };
  return {
    time,
    stored,
    records,
    phases: () => stored.versions.map(({ status }) => status?.upgrade?.phase),
    tell: (said: UpgradeStatus, heardEveryMs = HEARD_EVERY_MS) => records().upgrade(stored.entry(), said, heardEveryMs),
    report: (report: MachineReport) => records().report(stored.entry(), report, { labels: {}, annotations: {} }),
    prove: (proof: MachineProof) => records().prove({ entry: stored.entry(), made: false }, proof),
    status: (): MachineInventoryStatus => stored.object.status ?? {},
  };
}

/** A machine that has joined and reported a minute ago. */
async function joined(upgrading: number, replicas = 1) {
  const made = scene(upgrading, replicas);
  await made.prove({ ...proofAt(made.time.nowMs), isRegistration: true });
  await made.report(REPORT);
  await made.time.pass(60_000);
  made.stored.versions.length = 0;
  return made;
}

describe("an upgrade among hundreds", () => {
  it("is written twice where no phase lasts: when it begins and when it has ended", async () => {
    const { time, tell, phases } = await joined(500);
    for (const phase of [...WAY, "Succeeded" as const]) {
      await tell(word(phase));
      await time.pass(30_000);
    }
    expect(phases()).toEqual(["Granted", "Succeeded"]);
  });

  it("shows the phase that lasts after a minute, with the time at which it began", async () => {
    const { time, tell, status, phases } = await joined(500);
    await tell(word("Granted"));
    await time.pass(1_000);
    const beganMs = time.nowMs;
    await tell(word("Draining", { message: "evicting pod shop/web-1" }));
    await time.pass(30_000);
    await tell(word("Draining", { message: "evicting pod shop/web-2" }));
    await time.pass(29_000);
    expect(phases()).toEqual(["Granted"]);
    await time.pass(1_000);
    expect(phases()).toEqual(["Granted", "Draining"]);
    expect(status().upgrade?.message).toBe("evicting pod shop/web-2");
    expect(Date.parse(status().upgrade?.since ?? "")).toBe(beganMs);
    expect(Date.parse(status().upgrade?.heard ?? "")).toBe(beganMs + 30_000);
  });

  it("shows a machine that is silent while it restarts as what it said last", async () => {
    const { time, tell, phases } = await joined(500);
    await tell(word("Upgrading"));
    await tell(word("Rebooting"));
    await time.pass(60_000);
    expect(phases()).toEqual(["Upgrading", "Rebooting"]);
  });

  it("writes trouble at once, and what was kept of the machine along with it", async () => {
    const { time, tell, report, phases, status } = await joined(500);
    await tell(word("Granted"));
    await tell(word("Draining"));
    const unschedulable = { ...REPORT, node: { ...REPORT.node, unschedulable: true } } as MachineReport;
    await report(unschedulable);
    await time.pass(5_000);
    await tell(word("Draining", { reason: "DRAIN_BLOCKED", message: "waits for shop/web" }));
    expect(phases()).toEqual(["Granted", "Draining"]);
    expect(status().node?.unschedulable).toBe(true);
    await time.pass(600_000);
    expect(phases()).toEqual(["Granted", "Draining"]);
  });

  it("takes one write for all that a restart brings: proof, report and end", async () => {
    const { time, tell, report, prove, stored, status } = await joined(500);
    await tell(word("Upgrading"));
    await tell(word("Rebooting"));
    await time.pass(30_000);
    await prove(proofAt(time.nowMs));
    const restarted = { ...REPORT, node: { ...REPORT.node, bootId: "b2" } } as MachineReport;
    await report(restarted);
    await tell(word("Verifying"));
    const provedMs = time.nowMs;
    await time.pass(20_000);
    await tell(word("Succeeded"));
    await time.pass(600_000);
    expect(stored.versions).toHaveLength(2);
    expect(status()).toMatchObject({ upgrade: { phase: "Succeeded" }, node: { bootID: "b2" } });
    expect(Date.parse(status().attestation?.time ?? "")).toBe(provedMs);
  });

  it("never looks silent while it speaks: a short nodeTimeout does not wait for a phase to last", async () => {
    const { time, tell, phases } = await joined(500);
    await tell(word("Granted"), 4_000);
    await time.pass(1_000);
    await tell(word("Staging"), 4_000);
    await time.pass(3_000);
    expect(phases()).toEqual(["Granted", "Staging"]);
  });
});

describe("an upgrade that somebody watches", () => {
  it("shows each phase that lasts for two seconds", async () => {
    const { time, tell, phases } = await joined(1);
    for (const phase of [...WAY, "Succeeded" as const]) {
      await tell(word(phase));
      await time.pass(phase === "Staging" ? 1_000 : 2_500);
    }
    expect(phases()).toEqual(["Granted", "Preparing", "Draining", "Upgrading", "Rebooting", "Verifying", "Succeeded"]);
  });
});

describe("two replicas that hear the same machine in turn", () => {
  it("do not write a phase over the end of what was broken off, which is told once", async () => {
    const { time, tell, phases } = await joined(500, 2);
    await tell(word("Granted"));
    await tell(word("Draining"));
    await tell(word("Idle", { reason: "UPGRADE_SLOT_LOST", message: "the slot is another's" }));
    await time.pass(600_000);
    expect(phases()).toEqual(["Granted", "Idle"]);
  });

  it("do not write a report from before the restart over the one after it", async () => {
    const { time, tell, report, status } = await joined(500, 2);
    await tell(word("Granted"));
    await report({ ...REPORT, node: { ...REPORT.node, unschedulable: true } } as MachineReport);
    const relabelled = { ...REPORT.node, bootId: "b2", labels: { zone: "b" } };
    await report({ ...REPORT, node: relabelled } as MachineReport);
    expect(status().node).toMatchObject({ bootID: "b2", labels: { zone: "b" } });
    await time.pass(600_000);
    expect(status().node).toMatchObject({ bootID: "b2", labels: { zone: "b" }, unschedulable: false });
  });
});

describe("two replicas that hear reports of one boot in turn", () => {
  it("write the last one, though another has been written since it was kept", async () => {
    const { time, tell, report, status } = await joined(500, 2);
    await tell(word("Granted"));
    await report({ ...REPORT, node: { ...REPORT.node, ready: false } } as MachineReport);
    await report({ ...REPORT, node: { ...REPORT.node, bootId: "b2", unschedulable: true } } as MachineReport);
    await tell(word("Succeeded"));
    await time.pass(60_000);
    expect(status().node).toMatchObject({ bootID: "b2", ready: true, unschedulable: true });
  });
});

describe("reports and proofs", () => {
  it("write all at once of a machine that is not being upgraded", async () => {
    const { report, status } = await joined(0);
    await report({ ...REPORT, node: { ...REPORT.node, ready: false } } as MachineReport);
    expect(status().node?.ready).toBe(false);
  });

  it("write labels of the node at once, and its readiness within a minute", async () => {
    const { time, report, tell, status, stored } = await joined(0);
    await tell(word("Granted"));
    stored.versions.length = 0;
    const relabelled = { ...REPORT, node: { ...REPORT.node, labels: { zone: "b" } } } as MachineReport;
    await report(relabelled);
    expect(status().node?.labels).toEqual({ zone: "b" });
    await report({ ...relabelled, node: { ...relabelled.node, ready: false } } as MachineReport);
    expect(stored.versions).toHaveLength(1);
    await time.pass(60_000);
    expect(status().node?.ready).toBe(false);
  });

  it("do not write what a later report has taken back", async () => {
    const { time, report, tell, status, stored } = await joined(0);
    await tell(word("Granted"));
    stored.versions.length = 0;
    await report({ ...REPORT, node: { ...REPORT.node, ready: false } } as MachineReport);
    await report(REPORT);
    await time.pass(120_000);
    expect(status().node?.ready).toBe(true);
    expect(stored.versions).toHaveLength(0);
  });

  it("of a session write nothing where they prove what is known, unless the machine was not seen for ten minutes", async () => {
    const { time, prove, stored } = await joined(0);
    await prove(proofAt(time.nowMs));
    await time.pass(120_000);
    expect(stored.versions).toHaveLength(0);
    await time.pass(600_000);
    await prove(proofAt(time.nowMs));
    expect(stored.versions).toHaveLength(1);
  });

  it("of a registration use their challenge up at once", async () => {
    const { time, prove } = await joined(0, 2);
    const proof = { ...proofAt(time.nowMs), isRegistration: true };
    await prove(proof);
    await expect(prove(proof)).rejects.toMatchObject({ code: "CHALLENGE_USED" });
  });
});

describe("what is kept", () => {
  it("is tried again where the API server was away, and written when the replica stops", async () => {
    const { time, tell, report, records, stored, phases, status } = await joined(500);
    await tell(word("Granted"));
    await tell(word("Draining"));
    stored.isAway = true;
    await time.pass(120_000);
    stored.isAway = false;
    await time.pass(30_000);
    expect(phases()).toEqual(["Granted", "Draining"]);
    await report({ ...REPORT, node: { ...REPORT.node, ready: false } } as MachineReport);
    await records().stop();
    expect(status().node?.ready).toBe(false);
  });

  it("of any course, at any replica, never goes back, shows what lasts, and ends with the end", async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = randomOf(seed);
      const upgrading = Math.floor(random() * 60);
      const holdMs = Math.min(60_000, 2_000 * Math.max(1, upgrading));
      const { time, tell, stored, status } = await joined(upgrading, 2);
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        for (const phase of WAY) {
          if (random() < 0.3) continue;
          const lastsMs = random() * 150_000;
          const endMs = time.nowMs + lastsMs;
          const sinceMs = time.nowMs;
          while (time.nowMs < endMs) {
            await tell(word(phase, { attempt }));
            await time.pass(Math.min(20_000, endMs - time.nowMs));
          }
          // Another replica may keep an earlier word, of which it hears at the latest when that is due.
          if (time.nowMs - sinceMs > holdMs + 20_000) expect(status().upgrade?.phase, `seed ${seed}`).toBe(phase);
        }
        const end = random() < 0.5 ? "Succeeded" : "Failed";
        await tell(word(end, { attempt }));
        expect(status().upgrade, `seed ${seed}`).toMatchObject({ phase: end, attempt });
        await time.pass(random() * 200_000);
        expect(status().upgrade, `seed ${seed}`).toMatchObject({ phase: end, attempt });
      }
      const heard = stored.versions.map(({ status: one }) => Date.parse(one?.upgrade?.heard ?? "1970-01-01"));
      expect(heard, `seed ${seed}`).toEqual(heard.toSorted((a, b) => a - b));
      expect(PHASE_NAMES.filter((one) => isTerminal(one) && PHASES[one].holdsSlot)).toEqual([]);
    }
  });
});
