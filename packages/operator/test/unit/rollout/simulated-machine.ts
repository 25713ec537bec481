/** A machine of a simulated fleet: it asks, upgrades, fails, falls silent and comes back. */
import { SESSION_LIFETIME_MS } from "@rancheros/protocol/attestation";
import { PHASES, type Phase, type Plan } from "@rancheros/protocol/upgrade";
import type { RolloutMachine } from "../../../src/rollout/index.ts";
import type { RolloutRun } from "../../../src/rollout/run-rollouts.ts";
import type { Fault, FleetSetup, MachineSetup } from "./fleet-setup.ts";
import type { VirtualTime } from "./virtual-time.ts";

const ON_THE_WAY: readonly Phase[] = ["Granted", "Staging", "Draining", "Upgrading", "Rebooting", "Verifying"];

/** What a machine meets of the fleet that it is in. */
export interface FleetOfMachine {
  readonly time: VirtualTime;
  readonly random: () => number;
  readonly setup: Pick<FleetSetup, "phaseMs">;
  readonly isOver: boolean;
  /** As they are stored, by name; without those that somebody has deleted. */
  readonly machines: ReadonlyMap<string, RolloutMachine>;
  asks: number;
  between(fromMs: number, toMs: number): number;
  anyReplica(): RolloutRun;
  putMachine(machine: RolloutMachine): void;
  /** It is away from now on. */
  begin(setup: MachineSetup, plan: Plan): void;
  /** It is there again. */
  end(setup: MachineSetup): void;
}

export class SimulatedMachine {
  readonly #setup: MachineSetup;
  readonly #fleet: FleetOfMachine;

  constructor(setup: MachineSetup, fleet: FleetOfMachine) {
    this.#setup = setup;
    this.#fleet = fleet;
  }

  live(): void {
    const offlineMs = this.#setup.fault === "offline" ? 1_200_000 : 0;
    this.#fleet.time.setTimer(() => void this.#ask(0), offlineMs + this.#fleet.between(0, 5_000));
  }

  get #stored(): RolloutMachine | undefined {
    return this.#fleet.machines.get(this.#setup.name);
  }

  /** @param done  attempt of the last plan that it has carried out, 0 before the first one */
  async #ask(done: number): Promise<void> {
    this.#attest();
    const machine = this.#stored;
    if (this.#fleet.isOver || machine === undefined) return;
    this.#fleet.asks += 1;
    const again = (seconds: number): void => {
      this.#fleet.time.setTimer(() => void this.#ask(done), seconds * 1000);
    };
    try {
      const replica = this.#fleet.anyReplica();
      // The endpoint finds the machine in its own memory, which is as old as its watch is late.
      const shown = replica.index.machine(machine.metadata.uid)?.machine;
      const { plan, nextAskInSeconds } = await replica.ask(shown ?? machine);
      if (plan === undefined || plan.attempt <= done) again(nextAskInSeconds);
      else await this.#carryOut(plan);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      again(5);
    }
  }

  /** Each quarter of an hour, which is written down. */
  #attest(): void {
    const machine = this.#stored;
    const { nowMs } = this.#fleet.time;
    if (machine === undefined || nowMs - (machine.rollout.lastSeenMs ?? 0) < SESSION_LIFETIME_MS) return;
    this.#fleet.putMachine({ ...machine, rollout: { ...machine.rollout, lastSeenMs: nowMs } });
  }

  async #say(plan: Plan, phase: Phase): Promise<boolean> {
    const speaker = this.#stored;
    if (speaker === undefined) return false;
    const { id, image, attempt } = plan;
    const { holdsSlot } = await this.#fleet.anyReplica().told(speaker, { plan: id, image, attempt, phase });
    const machine = this.#stored;
    if (machine === undefined) return false;
    const now = this.#fleet.time.nowMs;
    const upgrade = {
      image,
      plan: id,
      attempt,
      phase,
      sinceMs: now,
      heardMs: now,
      reason: undefined,
      message: undefined,
    };
    this.#fleet.putMachine({ ...machine, rollout: { ...machine.rollout, lastSeenMs: now, upgrade } });
    return holdsSlot;
  }

  async #carryOut(plan: Plan): Promise<void> {
    const isRetried = this.#stored?.rollout.retry !== undefined;
    this.#fleet.begin(this.#setup, plan);
    const phase = await this.#walk(plan, isRetried ? "none" : this.#setup.fault);
    if (phase === undefined || this.#fleet.isOver) return;
    this.#fleet.end(this.#setup);
    await this.#say(plan, phase);
    this.#fleet.time.setTimer(() => void this.#ask(plan.attempt), this.#fleet.between(100, 5_000));
  }

  /** @returns the phase in which it ends; undefined where the machine is not heard of again */
  async #walk(plan: Plan, fault: Fault): Promise<Phase | undefined> {
    const { time, random, setup } = this.#fleet;
    const wrongAt = ON_THE_WAY[Math.floor(random() * ON_THE_WAY.length)];
    for (const phase of ON_THE_WAY) {
      const holds = await this.#say(plan, phase);
      if (!holds && !PHASES[phase].mayBeSwitched) return "Idle";
      await time.delay(this.#fleet.between(...(setup.phaseMs ?? [1_000, 20_000])));
      if (phase !== wrongAt) continue;
      if (fault === "fails") return "Failed";
      if (fault === "dies") return undefined;
      if (fault === "dies-and-returns") await time.delay(2_400_000);
    }
    return fault === "rolls-back" ? "RolledBack" : "Succeeded";
  }
}
