/** One machine of a fleet: the real agent's session, talk with the operator and upgrade decisions on a simulated node. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import type { PlanAnswer } from "@rancheros/protocol/upgrade";
import { openUpgrades, orderOfPlan, statusOf, type Ended, type Upgrades } from "@rancheros/agent/upgrade";
import {
  askPlan,
  confirmSlot,
  runPlanLoop,
  runStatusLoop,
  tellStatus,
  type LinkEvents,
  type LinkOutside,
} from "../../packages/agent/src/operator-link/index.ts";
import { answerReportBytes, type OwnReport } from "../../packages/agent/src/registration/machine-report.ts";
import { reportThrough } from "../../packages/agent/src/registration/report-machine.ts";
import { withRetries } from "../../packages/agent/src/registration/retry.ts";
import { keepSession, type SessionKeeper } from "../../packages/agent/src/registration/session-keeper.ts";
import {
  prepareVisit,
  type Attested,
  type Visit,
  type VisitOutside,
} from "../../packages/agent/src/registration/visit.ts";
import type { SoftwareTpm } from "../software-tpm/index.ts";
import { agentTpm } from "./agent-tpm.ts";
import type { ScaledClock } from "./scaled-clock.ts";
import type { Service } from "./service.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** Of one request, by a clock that nobody scales: a replica that hangs is not waited for. */
const REQUEST_TIMEOUT_MS = 15_000;
/** On the fleet's clock. */
const JOIN_WAIT_MS = 10 * 60_000;
const ADDRESS = "http://operator.fleet.test";

export interface SimulatedMachineOptions {
  readonly number: number;
  readonly tpm: SoftwareTpm;
  readonly node: SimulatedNode;
  readonly clock: ScaledClock;
  readonly service: Service;
  readonly random: () => number;
  /** Token of the MachineRegistration that it comes through. */
  readonly token: string;
  /** Labels that the machine asks for at its registration. */
  readonly labels: Readonly<Record<string, string>>;
  readonly requestTimeoutMs?: number;
  /** Something may have begun or ended on it. */
  readonly onChange: () => void;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** A grant as the machine took it. */
export interface Begun {
  readonly planId: string;
  readonly attempt: number;
}

function unused(): never {
  throw new Error("a machine of the fleet has no use for it");
}

export class SimulatedMachine {
  readonly options: SimulatedMachineOptions;
  /** Grants that it has begun with, in order. */
  readonly begun: Begun[] = [];
  /** What it was told last. */
  answer: PlanAnswer | undefined;
  name: string | undefined;
  #upgrades: Upgrades | undefined;
  #first: Attested | undefined;
  /** Ends with the services. A signal for all machines would have to know of each request that waits for it. */
  #boot = new AbortController();
  readonly #life = new AbortController();

  constructor(options: SimulatedMachineOptions) {
    this.options = options;
  }

  get node(): SimulatedNode {
    return this.options.node;
  }

  /** The newest first. */
  get history(): readonly Ended[] {
    return this.#upgrades?.journal().history ?? [];
  }

  get isUpgrading(): boolean {
    return this.#upgrades?.journal().run !== undefined;
  }

  /** Called by the node when it is about to restart. */
  endServices(): void {
    this.#boot.abort();
  }

  /** For ever. */
  end(): void {
    this.#life.abort();
    this.#boot.abort();
  }

  /** Registers, and tries again as the agent does. @throws as the agent's own registration */
  async join(): Promise<void> {
    const { clock, random, token, onTrouble } = this.options;
    const { signal } = this.#life;
    const report = this.#report();
    const visit = this.#visit(signal, REQUEST_TIMEOUT_MS);
    const policy = { waitMs: JOIN_WAIT_MS, signal, onRetry: (error: unknown) => onTrouble("registration", error) };
    const attested = await withRetries({ elapsedMs: clock.nowMs, random, sleep: clock.sleep }, policy, () =>
      visit.attest({ kind: "registration", token }, async (bytes) => answerReportBytes(report, bytes)),
    );
    this.#first = attested;
    this.name = attested.admission.machine.name;
  }

  /** Lives until its end, through restarts. @param delayMs  on the fleet's clock, before it begins to */
  async live(delayMs = 0): Promise<void> {
    const { signal } = this.#life;
    if (delayMs > 0) await this.options.clock.sleep(delayMs, signal).catch(() => undefined);
    while (!signal.aborted) {
      this.#boot = new AbortController();
      await this.#liveOnce(this.#boot.signal);
      if (signal.aborted) return;
      await this.node.restart(signal).catch(() => undefined);
      this.options.onChange();
    }
  }

  async #liveOnce(signal: AbortSignal): Promise<void> {
    const { clock, random, onChange, onTrouble } = this.options;
    const { ports } = this.node;
    const keeper = this.#keeper(signal);
    const outside: LinkOutside = { nowMs: clock.nowMs, random, sleep: clock.sleep };
    const tell = tellStatus.bind(undefined, keeper);
    const status = () => statusOf(upgrades.journal(), this.node.bootId);
    const upgrades: Upgrades = await openUpgrades(
      { ...ports, confirmSlot: (_order, stop) => confirmSlot(outside, tell, status, stop) },
      { log: () => undefined },
    );
    this.#upgrades = upgrades;
    const events: LinkEvents = { onReached: () => undefined, onTrouble };
    await Promise.all([
      upgrades.work(signal),
      this.#note(upgrades, signal),
      runPlanLoop(
        outside,
        {
          ask: (last) => askPlan(keeper, last),
          onAnswer: (answer) => {
            this.answer = answer;
            onChange();
            return Promise.resolve();
          },
          onUnreadable: (plan) => Promise.reject(plan),
          onPlan: async (plan) => {
            const { kind } = await upgrades.offer(orderOfPlan(plan));
            if (kind === "start" || kind === "adopt") this.begun.push({ planId: plan.id, attempt: plan.attempt });
          },
          rested: (until) => rested(upgrades, until),
          events,
        },
        signal,
      ),
      runStatusLoop(
        outside,
        {
          status,
          tell,
          changed: (until) => upgrades.changed(until),
          doubts: () => 0,
          onSlotLost: (planId, attempt, why) => upgrades.loseSlot(planId, attempt, why),
          events,
        },
        signal,
      ),
      reportThrough(outside, keeper, {
        readReport: async () => this.#report(),
        goesOn: true,
        signal,
        onReported: () => undefined,
        onEvent: (event) => {
          if (event.kind === "retry") onTrouble("report", event.error);
        },
      }),
    ]);
  }

  async #note(upgrades: Upgrades, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await upgrades.changed(signal);
      // A journal in memory is changed several times in a row: the last of them counts, and none comes until it is looked at.
      await nextTurn();
      this.options.onChange();
    }
  }

  #keeper(signal: AbortSignal): SessionKeeper {
    const visit = this.#visit(signal, this.options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
    const first = this.#first;
    this.#first = undefined;
    const attest = (): Promise<Attested> => visit.attest({ kind: "session" }, async () => Buffer.alloc(0));
    return first === undefined
      ? keepSession(this.#outside(), visit, attest)
      : keepSession(this.#outside(), visit, attest, first);
  }

  #outside(): VisitOutside {
    const { clock, service } = this.options;
    const { nowMs } = clock;
    const none = {
      httpGet: unused,
      readCaFile: unused,
      readSystemCas: unused,
      bundledCas: unused,
      readLearnedCa: unused,
      writeLearnedCa: unused,
    };
    return { nowMs, connectServer: service.connect, ...none };
  }

  #visit(signal: AbortSignal, timeoutMs: number): Visit {
    const { tpm, token } = this.options;
    const options = {
      url: `${ADDRESS}/v1-rancheros/registration/${token}`,
      allowHttp: true,
      trust: { kind: "system" },
      environment: {},
      timeoutMs,
      signal,
      tpm: agentTpm(tpm),
      withoutEkCertificate: false,
      onEvent: () => undefined,
    } as const;
    return prepareVisit(this.#outside(), options, true);
  }

  #report(): OwnReport {
    return { ...EMPTY_REPORT, smbios: undefined, labels: this.options.labels, node: this.node.node() };
  }
}

/** When an upgrade that was under way has ended. */
async function rested(upgrades: Upgrades, signal: AbortSignal): Promise<void> {
  while (upgrades.journal().run === undefined && !signal.aborted) await upgrades.changed(signal);
  while (upgrades.journal().run !== undefined && !signal.aborted) await upgrades.changed(signal);
}
