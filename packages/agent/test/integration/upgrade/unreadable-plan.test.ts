/** A daemon whose operator sends a plan that it cannot read: a folder as machine, an operator that answers in memory. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runDaemon } from "@rancheros/agent/daemon";
import type { MachineSession, SessionKeeper } from "@rancheros/agent/registration";
import type { ContainerPort } from "@rancheros/agent/upgrade";
import { readAgentState } from "@rancheros/agent/by-hand";
import { EMPTY_REPORT, PROTOCOL_VERSION, sealForSession, writeSealedAnswer } from "@rancheros/protocol/attestation";
import { afterEach, describe, expect, it } from "vitest";

import { ADMISSION, KEY, MACHINE } from "../../unit/operator-link/admitted-machine.ts";
import { planOf } from "../../unit/upgrade/machine-world.ts";
import { folderOutside } from "./folder-outside.ts";

const NO_TIMEOUT = "the plan has bad fields: plan.timeoutSeconds: is missing";
const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** An operator with one answer to whoever asks for a plan, which keeps each status that it is told. */
function operatorOf(answer: Readonly<Record<string, unknown>>) {
  const told: Readonly<Record<string, unknown>>[] = [];
  const replyTo = (endpoint: string, body: Uint8Array | undefined): unknown => {
    if (endpoint === "status") {
      told.push(JSON.parse(Buffer.from(body ?? []).toString()));
      return { protocol: PROTOCOL_VERSION, holdsSlot: false, nextStatusInSeconds: 60 };
    }
    return { protocol: PROTOCOL_VERSION, machine: MACHINE, approval: "Approved", nextAskInSeconds: 1 };
  };
  const session: MachineSession = {
    admission: ADMISSION,
    send({ endpoint, body }) {
      if (endpoint !== "plan") {
        const reply = Buffer.from(JSON.stringify(replyTo(endpoint, body)));
        return Promise.resolve({ status: 200, headers: {}, body: reply });
      }
      const plain = Buffer.from(JSON.stringify({ protocol: PROTOCOL_VERSION, machine: MACHINE, ...answer }));
      const sealed = sealForSession(plain, "plan", KEY, Buffer.alloc(12, 1));
      const reply = writeSealedAnswer({ protocol: PROTOCOL_VERSION, sealed });
      return Promise.resolve({ status: 200, headers: {}, body: reply });
    },
    ask: async (request, read) => read((await session.send(request)).body),
  };
  const keeper: SessionKeeper = {
    with: (work) => work(session),
    renew: () => Promise.reject(new Error("nobody asked for that")),
  };
  return { keeper, told };
}

function startAgent(keeper: SessionKeeper) {
  const folder = mkdtempSync(join(process.env["ROS_TEST_DISK"] ?? tmpdir(), "machine-"));
  const over = new AbortController();
  const log: string[] = [];
  mkdirSync(join(folder, "proc/sys/kernel/random"), { recursive: true });
  mkdirSync(join(folder, "var/lib/rancheros"), { recursive: true });
  writeFileSync(join(folder, "proc/sys/kernel/random/boot_id"), "boot-1\n");
  writeFileSync(join(folder, "proc/cmdline"), "root=LABEL=COS_ACTIVE\n");
  const unused = (): Promise<never> => Promise.reject(new Error("nothing is to be run"));
  const containers: ContainerPort = {
    find: unused,
    pull: unused,
    removeImage: unused,
    ownImages: () => Promise.resolve([]),
    readImageFile: unused,
    run: unused,
    stop: unused,
  };
  const outside = folderOutside(folder, (message) => void log.push(message));
  const daemon = runDaemon({
    ...outside,
    containers,
    operator: { keeper, readReport: () => Promise.resolve({ ...EMPTY_REPORT, smbios: undefined }) },
    pid: process.pid,
    signal: over.signal,
  });
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  const end = async (): Promise<void> => {
    over.abort();
    await daemon;
  };
  const journal = (): string => readFileSync(join(outside.stateFolder, "upgrade.json"), "utf8");
  return { log, end, journal, state: () => readAgentState(outside) };
}

describe("a plan that the agent cannot read", () => {
  it("ends its attempt with the reason, in the status that the operator gets and in that of the machine", async () => {
    const { timeoutSeconds: _timeout, ...plan } = planOf();
    const operator = operatorOf({ plan, nextAskInSeconds: 1 });
    const agent = startAgent(operator.keeper);
    const { id, image, attempt } = plan;
    await expect
      .poll(() => operator.told.at(-1), { timeout: 10_000 })
      .toMatchObject({
        plan: id,
        image,
        attempt,
        phase: "Failed",
        reason: "UPGRADE_PLAN_UNREADABLE",
        message: NO_TIMEOUT,
      });
    const state = await agent.state();
    expect(state).toMatchObject({
      phase: "Failed",
      reason: { code: "UPGRADE_PLAN_UNREADABLE", message: NO_TIMEOUT },
    });
    expect(state.failedDigests).toEqual([]);
    await agent.end();
    expect(agent.log).toEqual([`${NO_TIMEOUT} (UPGRADE_PLAN_UNREADABLE)`]);
    // It outlives the agent, and is no upgrade under way.
    expect(JSON.parse(agent.journal())).toMatchObject({ history: [{ subject: { planId: id, attempt } }] });
  });

  it("is told of though nobody can say which one it is", async () => {
    const operator = operatorOf({ nextAskInSeconds: 1 });
    const agent = startAgent(operator.keeper);
    const message = "the plan has bad fields: plan: must be there, or waiting, and not both";
    await expect
      .poll(() => operator.told.at(-1), { timeout: 10_000 })
      .toMatchObject({ phase: "Idle", attempt: 0, reason: "UPGRADE_PLAN_UNREADABLE", message });
    expect((await agent.state()).reason).toEqual({ code: "UPGRADE_PLAN_UNREADABLE", message });
    await agent.end();
    expect(agent.log).toEqual([`${message} (UPGRADE_PLAN_UNREADABLE)`]);
  });
});
