/** A machine whose journal cannot be written when its slot comes, as on a disk that is full, and what its operator hears; in virtual time. */
import { writeSealedAnswer, EMPTY_REPORT, PROTOCOL_VERSION, sealForSession } from "@rancheros/protocol/attestation";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";

import type { AgentSession } from "../../../src/agent-session.ts";
import { linkLoops, newLinkState } from "../../../src/daemon-link.ts";
import type { MachineSession } from "../../../src/registration/index.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { openUpgrades } from "../../../src/upgrade/upgrade.ts";
import { machinePorts } from "../upgrade/machine-ports.ts";
import { createWorld, planOf, type World } from "../upgrade/machine-world.ts";
import { createVirtualTime, type VirtualTime } from "../upgrade/virtual-time.ts";
import { ADMISSION, KEY, MACHINE } from "./admitted-machine.ts";

interface Scene {
  readonly world: World;
  readonly time: VirtualTime;
  /** What the operator answers to whoever asks for a plan now. */
  plan: object | undefined;
  /** The second of each question. */
  readonly asked: number[];
  readonly told: (Pick<UpgradeStatus, "attempt" | "phase" | "reason" | "message"> & { readonly at: number })[];
  readonly log: string[];
}

const ATTEMPT_1 = planOf({ prepare: undefined });
const WAITING = { reason: "Failed", message: "it has failed here" };
const FULL = Number.POSITIVE_INFINITY;

function sceneOf(plan: Scene["plan"]): Scene {
  // What is begun does not get on.
  const world = createWorld({ fullDiskWrites: FULL, pull: "away" });
  return { world, time: createVirtualTime(), plan, asked: [], told: [], log: [] };
}

function sessionWith(scene: Scene): MachineSession {
  const begunMs = scene.time.uptimeMs;
  const at = (): number => (scene.time.uptimeMs - begunMs) / 1000;
  const answerTo = (endpoint: string, body: Uint8Array | undefined): Buffer => {
    const common = { protocol: PROTOCOL_VERSION, machine: MACHINE };
    if (endpoint === "status") {
      const word = JSON.parse(Buffer.from(body ?? []).toString()) as UpgradeStatus;
      const { attempt, phase, reason, message } = word;
      scene.told.push({ at: at(), attempt, phase, reason, message });
      const holdsSlot = scene.plan !== undefined;
      return Buffer.from(JSON.stringify({ protocol: PROTOCOL_VERSION, holdsSlot, nextStatusInSeconds: 60 }));
    }
    if (endpoint !== "plan")
      return Buffer.from(JSON.stringify({ ...common, approval: "Approved", nextAskInSeconds: 600 }));
    scene.asked.push(at());
    const { plan } = scene;
    const answer = { ...common, ...(plan === undefined ? { waiting: WAITING } : { plan }), nextAskInSeconds: 30 };
    const sealed = sealForSession(Buffer.from(JSON.stringify(answer)), "plan", KEY, Buffer.alloc(12, 1));
    return writeSealedAnswer({ protocol: PROTOCOL_VERSION, sealed });
  };
  const session: MachineSession = {
    admission: ADMISSION,
    send: ({ endpoint, body }) => Promise.resolve({ status: 200, headers: {}, body: answerTo(endpoint, body) }),
    ask: async (request, read) => read((await session.send(request)).body),
  };
  return session;
}

/** Lets an agent live on the machine for so long. @param course  what happens meanwhile, by seconds */
async function during(scene: Scene, seconds: number, course: Readonly<Record<number, () => void>> = {}): Promise<void> {
  const { world, time, log } = scene;
  const over = new AbortController();
  const ports = machinePorts(scene, { die: () => new Promise(() => undefined), isDead: () => false });
  const note = (message: string): void => void log.push(message);
  const upgrades = await openUpgrades(ports, { log: note });
  const node = { ...ports.node, close: () => undefined };
  const slots = { other: () => Promise.reject(new Error("none")), startNext: fail, forgetNext: fail, facts: fail };
  const { host, journalFile } = ports;
  const session = {
    machine: { host, node, journalFile, slots, lastReset: undefined },
    upgrades,
    close: () => undefined,
  } as unknown as AgentSession;
  const answers = sessionWith(scene);
  const keeper = { with: <T>(work: (one: MachineSession) => Promise<T>) => work(answers), renew: fail };
  const readReport = () => Promise.resolve({ ...EMPTY_REPORT, smbios: undefined });
  const loops = [
    upgrades.work(over.signal),
    ...linkLoops(session, { keeper, readReport }, newLinkState(session, note), note, over.signal),
  ];
  const always = new AbortController().signal;
  for (const [second, happens] of Object.entries(course)) void time.sleep(Number(second) * 1000, always).then(happens);
  void time.sleep(seconds * 1000, always).then(() => over.abort());
  await time.until(Promise.all(loops));
  time.forget();
  expect(world.fullDiskWrites === FULL || world.fullDiskWrites <= 0).toBe(true);
}

const fail = (): Promise<never> => Promise.reject(new Error("nobody asks for that"));
const phases = ({ told }: Scene) => [...new Set(told.map(({ attempt, phase }) => `${attempt} ${phase}`))];
const failed = ({ told }: Scene) => told.find(({ phase }) => phase === "Failed");

describe("a slot that comes while the journal cannot be written", () => {
  it("is told of at once, and goes back as Failed after a minute, without a question each second", async () => {
    const scene = sceneOf(ATTEMPT_1);
    await during(scene, 600);
    const first = scene.told.find(({ reason }) => reason !== undefined);
    expect(first).toMatchObject({ phase: "Idle", reason: "UPGRADE_JOURNAL_UNSAVED", message: "the disk is full" });
    expect(first?.at).toBeLessThan(2);
    expect(failed(scene)).toMatchObject({
      attempt: 1,
      reason: "UPGRADE_JOURNAL_UNSAVED",
      message: "not begun within 60 s: the disk is full",
    });
    expect(failed(scene)?.at).toBeGreaterThanOrEqual(60);
    expect(failed(scene)?.at).toBeLessThan(120);
    // What has ended is told once, and nothing goes to and fro.
    expect(phases(scene)).toEqual(["0 Idle", "1 Failed"]);
    expect(scene.told.length).toBeLessThanOrEqual(3);
    expect(scene.asked.filter((at) => at < 120).length).toBeLessThan(15);
    expect(scene.log).toEqual([
      "the disk is full (UPGRADE_JOURNAL_UNSAVED)",
      "not begun within 60 s: the disk is full (UPGRADE_JOURNAL_UNSAVED)",
    ]);
    expect(scene.world.disk).toBeUndefined();
  });

  it("is used where the disk has room again in time", async () => {
    const scene = sceneOf(ATTEMPT_1);
    await during(scene, 100, { 20: () => (scene.world.fullDiskWrites = 0) });
    expect(failed(scene)).toBeUndefined();
    expect(phases(scene)).toContain("1 Staging");
    expect(scene.told.at(-1)?.reason).not.toBe("UPGRADE_JOURNAL_UNSAVED");
  });

  it("does not begin once it has gone back, whatever room there is, but the next one does", async () => {
    const scene = sceneOf(ATTEMPT_1);
    // The operator has not heard of the end yet.
    await during(scene, 300, { 150: () => (scene.world.fullDiskWrites = 0) });
    expect(phases(scene)).toEqual(["0 Idle", "1 Failed"]);
    expect(scene.world.events).toEqual([]);
    const { history, run } = readJournal(scene.world.disk ?? "");
    expect(run).toBeUndefined();
    expect(history).toMatchObject([{ phase: "Failed", subject: { attempt: 1 } }]);
    // An agent that was started again says the same, and has not forgotten it.
    scene.told.length = 0;
    await during(scene, 60);
    expect(phases(scene)).toEqual(["1 Failed"]);
    expect(scene.world.events).toEqual([]);
    scene.plan = { ...ATTEMPT_1, attempt: 2, retry: true };
    await during(scene, 100);
    expect(phases(scene)).toContain("2 Staging");
  });

  it("is written down as gone with an answer that brings no plan, too", async () => {
    const scene = sceneOf(ATTEMPT_1);
    await during(scene, 300, {
      130: () => (scene.plan = undefined),
      150: () => (scene.world.fullDiskWrites = 0),
    });
    expect(phases(scene)).toEqual(["0 Idle", "1 Failed"]);
    expect(scene.told.at(-1)).toMatchObject({ phase: "Failed", reason: "UPGRADE_JOURNAL_UNSAVED" });
    expect(readJournal(scene.world.disk ?? "").history).toMatchObject([{ phase: "Failed", subject: { attempt: 1 } }]);
  });

  it("is tried for a minute again where somebody retries it, and the disk is full still", async () => {
    const scene = sceneOf(ATTEMPT_1);
    await during(scene, 500, {
      130: () => (scene.plan = undefined),
      200: () => (scene.plan = { ...ATTEMPT_1, attempt: 2, retry: true }),
    });
    expect(phases(scene)).toEqual(["0 Idle", "1 Failed", "2 Failed"]);
    expect(scene.told.find(({ attempt }) => attempt === 2)?.at).toBeGreaterThanOrEqual(260);
  });

  it("goes back at once where its plan cannot be read", async () => {
    const { timeoutSeconds: _timeout, ...unreadable } = ATTEMPT_1;
    const scene = sceneOf(unreadable);
    await during(scene, 100);
    expect(failed(scene)).toMatchObject({ attempt: 1, reason: "UPGRADE_PLAN_UNREADABLE" });
    expect(failed(scene)?.at).toBeLessThan(2);
  });
});
