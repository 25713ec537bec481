/** A machine that asks for its plan and says how far it is, without doing anything: what the operator sees of an agent. */
import { setTimeout as sleep } from "node:timers/promises";
import { PHASES, type Phase, type Plan, type PlanAnswer } from "@rancheros/protocol/upgrade";
import type { NextServer } from "./attested-visit.ts";
import { askPlan, tellStatus, type Session } from "./upgrading-machine.ts";

const ON_THE_WAY: readonly Phase[] = ["Granted", "Staging", "Draining", "Upgrading", "Rebooting", "Verifying"];

export interface PlayedMachine {
  readonly name: string;
  readonly session: Session;
  /** How its next upgrades end. */
  ending: "Succeeded" | "Failed";
  /** Plans that it has carried out, or tried to. */
  readonly plans: Plan[];
  /** What it was told last. */
  last: PlanAnswer | undefined;
  isDown: boolean;
  /** Stops asking. */
  isOver: boolean;
}

export interface Play {
  readonly next: NextServer;
  /** Real agents ask as they are told; a test has less time. */
  readonly askEveryMs: number;
  readonly phaseMs: number;
  readonly onDown: () => void;
}

async function carryOut(machine: PlayedMachine, plan: Plan, play: Play): Promise<void> {
  const digest = plan.reference.slice(plan.reference.indexOf("@") + 1);
  const say = (phase: Phase, message?: string) =>
    insist(() =>
      tellStatus(play.next, machine.session, {
        protocol: 2,
        plan: plan.id,
        image: plan.image,
        attempt: plan.attempt,
        phase,
        digest,
        reason: phase === "Failed" ? "PLAYED" : undefined,
        message,
        bootId: "b1",
      }),
    );
  machine.plans.push(plan);
  machine.isDown = true;
  play.onDown();
  for (const phase of ON_THE_WAY) {
    const { holdsSlot } = await say(phase);
    if (!holdsSlot && !PHASES[phase].mayBeSwitched) {
      machine.isDown = false;
      await say("Idle", "the slot was lost");
      return;
    }
    await sleep(play.phaseMs);
  }
  machine.isDown = false;
  await say(machine.ending, machine.ending === "Failed" ? "the upgrade container ended with 1" : undefined);
}

/** An operator may be gone for the moment: the other one answers. */
async function insist<Value>(what: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await what();
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(100);
    }
  }
}

/** Asks and upgrades until it is over. */
export async function playMachine(machine: PlayedMachine, play: Play): Promise<void> {
  let done = "";
  /** Attempts are counted by each image for itself. */
  const nameOf = ({ image, id, attempt }: Plan): string => `${image} ${id} ${attempt}`;
  while (!machine.isOver) {
    const { answer } = await insist(() => askPlan(play.next, machine.session));
    machine.last = answer;
    const plan = answer?.plan;
    if (plan === undefined || nameOf(plan) === done) await sleep(play.askEveryMs);
    else {
      await carryOut(machine, plan, play);
      done = nameOf(plan);
    }
  }
}
