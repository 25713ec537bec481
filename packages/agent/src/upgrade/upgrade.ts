/** Upgrades of this machine, one at a time: decide, act, write down. A kill at any point is gone on from. */
import { hasCode } from "@rancheros/protocol/errors";
import { PHASES, type Plan } from "@rancheros/protocol/upgrade";

import { isBegunOtherwise } from "./changed-plan.ts";
import { codedError, UpgradeError } from "./errors.ts";
import { failureEnding } from "./failure-ending.ts";
import type { ReachPoint } from "./fault-points.ts";
import { adoptPlan, decideEnding, leaveAsItIs, note, reasonFrom, reopen, runOf, startRun } from "./journal-edits.ts";
import { judgeOrder, type OrderVerdict } from "./judge-order.ts";
import type { Journal, Order, Reason, Run } from "./journal.ts";
import { keepJournal, type KeptJournal } from "./kept-journal.ts";
import { isOverdue, leftMs } from "./moment.ts";
import { nextStep, type Action, type Interrupted } from "./next-step.ts";
import { sweepImages } from "./own-images.ts";
import { perform } from "./perform.ts";
import { PlanTime } from "./plan-time.ts";
import { refuseBesideRollback } from "./steps/admit.ts";
import type { UpgradePorts } from "./ports.ts";
import type { Work } from "./work.ts";

export interface UpgradeOptions {
  readonly reach?: ReachPoint;
  /** For the log. */
  readonly log: (message: string) => void;
}

export interface Upgrades {
  journal(): Journal;
  /** What keeps the machine from going on with it, such as a full disk; it is tried again. */
  trouble(): Reason | undefined;
  /** What became of a journal that was broken. */
  readonly brokenJournal: Reason | undefined;
  /**
   * Takes what is to be done; an order that is known already changes nothing.
   * @throws UpgradeError UPGRADE_JOURNAL_UNSAVED; UPGRADE_ROLLBACK_WAITS of an upgrade by hand
   */
  offer(order: Order): Promise<OrderVerdict>;
  /** The operator says that the slot of this plan is lost, or what it says comes to that. */
  loseSlot(planId: string, attempt: number, why?: string): void;
  /**
   * Before the switch everything is undone. Of an upgrade that has ended and cannot put in order what it leaves behind, the
   * waiting is given up.
   * @throws UpgradeError UPGRADE_NOT_UNDER_WAY, UPGRADE_TOO_LATE
   */
  abort(): Promise<void>;
  /** For what both journal and boot loader have to know, such as a rollback: no upgrade begins between the two. */
  apart<T>(work: () => Promise<T>): Promise<T>;
  /** Puts a change that is no part of an upgrade into the journal, such as a digest that a person has gone back from. */
  amend(edit: (journal: Journal) => Journal): Promise<void>;
  /** Resolves at the next change of the journal or the trouble, or with the signal. */
  changed(signal: AbortSignal): Promise<void>;
  /** Works until the signal; an upgrade that is under way then goes on at the next start. Never rejects. */
  work(signal: AbortSignal): Promise<void>;
}

const FIRST_TROUBLE_MS = 1_000;
const LONGEST_TROUBLE_MS = 60_000;

/** @throws UpgradeError UPGRADE_JOURNAL_UNREADABLE, UPGRADE_JOURNAL_UNSAVED */
export async function openUpgrades(ports: UpgradePorts, { reach, log }: UpgradeOptions): Promise<Upgrades> {
  const at: ReachPoint = reach ?? (() => undefined);
  const kept = await keepJournal(ports, at);
  return new UpgradeLoop(ports, kept, at, log);
}

class UpgradeLoop implements Upgrades {
  readonly #ports: UpgradePorts;
  readonly #kept: KeptJournal;
  readonly #reach: ReachPoint;
  readonly #log: (message: string) => void;
  #interruption: (Interrupted & { readonly startedMs: number }) | undefined;
  /** Ends the act that is under way, before the switch. */
  #stop = new AbortController();
  readonly #time: PlanTime;
  #trouble: Reason | undefined;
  /** What is done apart, one after the other; never rejects. */
  #apart: Promise<unknown> = Promise.resolve();

  constructor(ports: UpgradePorts, kept: KeptJournal, reach: ReachPoint, log: (message: string) => void) {
    this.#ports = ports;
    this.#kept = kept;
    this.#reach = reach;
    this.#log = log;
    this.#time = new PlanTime(ports.host, () => leftMs(runOf(this.journal()), ports.host.now()));
  }

  journal(): Journal {
    return this.#kept.journal();
  }

  trouble(): Reason | undefined {
    return this.#trouble;
  }

  get brokenJournal(): Reason | undefined {
    return this.#kept.broken;
  }

  changed(signal: AbortSignal): Promise<void> {
    return this.#kept.changed(signal);
  }

  amend(edit: (journal: Journal) => Journal): Promise<void> {
    return this.#kept.save(edit);
  }

  apart<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#apart.then(work);
    this.#apart = done.catch(() => undefined);
    return done;
  }

  async offer(order: Order): Promise<OrderVerdict> {
    // Whoever is at the machine is told at once, and has only to say which of the two is meant.
    if (order.isByHand) await this.apart(() => refuseBesideRollback(this.journal(), this.#ports));
    const verdict = judgeOrder(this.journal(), order);
    if (verdict.kind === "replace") this.#interrupt({ kind: "slot-lost", why: undefined });
    if (verdict.kind !== "start" && verdict.kind !== "adopt") return verdict;
    let before: Run | undefined;
    await this.#kept.save((journal, now) => {
      // Another offer may have been written down meanwhile.
      const { kind } = judgeOrder(journal, order);
      if (kind === "start") return startRun(journal, order, now);
      if (kind !== "adopt") return journal;
      before = journal.run;
      return adoptPlan(journal, order.plan, now);
    });
    if (before !== undefined) this.#goOnBy(order.plan, before);
    return verdict;
  }

  /** No interruption: what is broken off begins again, by what the journal says by now. */
  #goOnBy(plan: Plan, before: Run): void {
    if (PHASES[before.phase].mayBeSwitched) return;
    if (isBegunOtherwise(before, plan)) this.#stop.abort();
    if (plan.timeoutSeconds !== before.order.plan.timeoutSeconds) this.#time.change();
  }

  loseSlot(planId: string, attempt: number, why?: string): void {
    const { run } = this.journal();
    if (run === undefined || run.order.isByHand) return;
    const { plan } = run.order;
    if (plan.id === planId && plan.attempt === attempt) this.#interrupt({ kind: "slot-lost", why });
  }

  async abort(): Promise<void> {
    const { run } = this.journal();
    if (run === undefined) throw new UpgradeError("UPGRADE_NOT_UNDER_WAY", "no upgrade is under way");
    if (run.ending !== undefined) return this.#giveUp(run);
    requireUnswitched(run);
    this.#interrupt({ kind: "aborted" });
    // The switch may be on its way onto the disk in this moment.
    await this.#kept.save((journal) => journal);
    const present = this.journal().run;
    if (present?.startedMs === run.startedMs) requireUnswitched(present);
  }

  /** An upgrade that ends by itself is left alone: only what it waits for in vain can be given up. */
  async #giveUp({ ending, lastError }: Run): Promise<void> {
    if (lastError === undefined) {
      throw new UpgradeError("UPGRADE_NOT_UNDER_WAY", `the upgrade is about to end as ${ending?.phase ?? "it has to"}`);
    }
    await this.#kept.save((journal, now) => (journal.run === undefined ? journal : leaveAsItIs(journal, now)));
    this.#stop.abort();
  }

  async work(signal: AbortSignal): Promise<void> {
    await this.#sweep(signal);
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#next(signal);
        failures = 0;
        this.#setTrouble(undefined);
      } catch (error) {
        if (signal.aborted) return;
        const coded = codedError(error);
        this.#log(`${coded.message} (${coded.code})`);
        this.#setTrouble(reasonFrom(coded));
        const delayMs = Math.min(FIRST_TROUBLE_MS * 2 ** failures++, LONGEST_TROUBLE_MS);
        await this.#ports.host.sleep(delayMs * (0.5 + 0.5 * this.#ports.host.random()), signal).catch(() => undefined);
      }
    }
  }

  /** What an earlier life of this program could not remove, and no journal knows of. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { run, images } = this.journal();
    if (run !== undefined) return;
    await sweepImages(this.#ports.containers, {
      keep: images.map(({ reference }) => reference),
      signal,
      log: this.#log,
    });
  }

  #interrupt(interrupted: Interrupted): void {
    const { run } = this.journal();
    if (run === undefined || run.ending !== undefined) return;
    this.#interruption = { ...interrupted, startedMs: run.startedMs };
    this.#stop.abort();
    this.#kept.wake();
  }

  #setTrouble(trouble: Reason | undefined): void {
    if (trouble?.message === this.#trouble?.message) return;
    this.#trouble = trouble;
    this.#kept.wake();
  }

  async #next(signal: AbortSignal): Promise<void> {
    const { run } = this.journal();
    const isMeant = run !== undefined && this.#interruption?.startedMs === run.startedMs;
    const interruption = isMeant ? this.#interruption : undefined;
    const step = nextStep(this.journal(), { now: this.#ports.host.now(), interruption });
    if (step.kind === "act") return this.#act(step.action, signal);
    if (step.kind === "end") return this.#kept.save((journal, now) => decideEnding(journal, step.ending, now));
    this.#interruption = undefined;
    return this.#kept.changed(signal);
  }

  async #act(action: Action, leave: AbortSignal): Promise<void> {
    await this.#reach("step:before");
    const { journal } = this.#kept;
    this.#ports.containers.hold(journal().run?.runtime);
    const over = new AbortController();
    const stop = this.#stopFor(over.signal);
    const work: Work = {
      ports: this.#ports,
      journal,
      save: (edit) => this.#kept.save(edit),
      apart: (does) => this.apart(does),
      stop,
      leave,
      signal: AbortSignal.any([stop, leave]),
      retimed: () => this.#time.changed,
      act: async (what, does) => {
        await this.#reach(`${what}:before`);
        const result = await does();
        await this.#reach(`${what}:after`);
        return result;
      },
      log: this.#log,
    };
    try {
      const edit = await perform(action, work);
      await this.#reach("step:after");
      await this.#kept.save(edit);
    } catch (error) {
      const { run } = journal();
      // What was broken off is decided on anew; what cannot be written down, or is to be put in order, is tried again.
      if (leave.aborted || run === undefined || hasCode(error, "UPGRADE_JOURNAL_UNSAVED")) throw error;
      if (stop.aborted) return;
      const coded = codedError(error);
      // The timer may not have rung yet: what waiting might have mended was waited for in vain.
      if (coded.retry !== "never" && isOverdue(run, this.#ports.host.now())) {
        return await this.#kept.save((present, now) => note(present, { lastError: reasonFrom(coded) }, now));
      }
      // What was said of an earlier boot is no ending of this one: where nobody can tell what came up, that is the end.
      const isVoid = action === "arrive";
      if (run.ending !== undefined && !isVoid) {
        await this.#noteTrouble(run, reasonFrom(coded));
        throw error;
      }
      await this.#kept.save((present, now) =>
        decideEnding(isVoid ? reopen(present, now) : present, failureEnding(run, coded), now),
      );
    } finally {
      over.abort();
    }
  }

  /** For the status, and for who gives it up: without an agent only the journal knows. */
  async #noteTrouble({ lastError }: Run, trouble: Reason): Promise<void> {
    if (lastError?.message === trouble.message) return;
    await this.#kept.save((journal, now) =>
      journal.run?.ending === undefined ? journal : note(journal, { lastError: trouble }, now),
    );
  }

  /** Before the switch an act ends when something comes up, and when the plan's time is over; at the end when it is given up. */
  #stopFor(over: AbortSignal): AbortSignal {
    const { run } = this.journal();
    if (run === undefined) return new AbortController().signal;
    if (run.ending === undefined && PHASES[run.phase].mayBeSwitched) return new AbortController().signal;
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
    if (run.ending !== undefined) return this.#stop.signal;
    return AbortSignal.any([this.#stop.signal, this.#time.late(over)]);
  }
}

function requireUnswitched({ phase }: Run): void {
  if (PHASES[phase].mayBeSwitched) throw new UpgradeError("UPGRADE_TOO_LATE", `the upgrade is in ${phase}`);
}
