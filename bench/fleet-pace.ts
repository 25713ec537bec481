/** Sets the pace of a fleet's clock, its own and the operator's, while both are measured. */
import type { ScaledClock } from "../test/fleet/scaled-clock.ts";
import type { Service } from "../test/fleet/service.ts";
import type { OperatorProcess } from "../test/operator/operator-process.ts";
import { processorsBusyMs } from "./machine.ts";
import { nextFactor, pressuresOf } from "./next-factor.ts";
import { cpuMs } from "./process-figures.ts";

const LOOK_MS = 3_000;
/** Smaller changes are not worth that everybody is told of them. */
const SMALL_CHANGE = 0.03;

/** Of the looks since the last time that they were asked for. */
export interface PaceFigures {
  readonly slowest: number;
  readonly fastest: number;
  /** Cores, on average. */
  readonly generator: number;
  readonly operator: number;
  readonly controlPlane: number;
  /** Whatever else runs on the machine. */
  readonly others: number;
  readonly requestMs: number;
  /** In how many of a hundred looks what kept the clock from running faster. */
  readonly heldBackBy: Readonly<Record<string, number>>;
}

interface Look {
  readonly factor: number;
  readonly generator: number;
  readonly operator: number;
  readonly controlPlane: number;
  readonly others: number;
  readonly requestMs: number;
  readonly heldBackBy: string;
}

export interface FleetPaceParts {
  readonly clock: ScaledClock;
  readonly operator: OperatorProcess;
  readonly service: Service;
  readonly controlPlanePids: () => readonly number[];
  /** The clock never runs faster. */
  readonly fastest: number;
}

interface Meters {
  readonly atMs: number;
  readonly generatorMs: number;
  readonly operatorMs: number;
  readonly controlPlaneMs: number;
  readonly busyMs: number;
  readonly answered: number;
  readonly waitedMs: number;
}

export class FleetPace {
  readonly #parts: FleetPaceParts;
  readonly #timer: NodeJS.Timeout;
  #looks: Look[] = [];
  #last: Meters;
  #loop = performance.eventLoopUtilization();
  #factor: number;
  /** What went wrong with setting it, such as an operator that has ended. */
  failure: unknown;

  constructor(parts: FleetPaceParts) {
    this.#parts = parts;
    this.#factor = parts.clock.factor;
    this.#last = this.#meters();
    this.#timer = setInterval(() => this.#tick(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The last look in words. */
  line(): string {
    const look = this.#looks.at(-1);
    if (look === undefined) return "";
    const { factor, generator, operator, controlPlane, others, requestMs } = look;
    const cores = [
      `generator ${generator.toFixed(2)}`,
      `operator ${operator.toFixed(2)}`,
      `API server ${controlPlane.toFixed(2)}`,
      `others ${others.toFixed(2)}`,
    ];
    return `clock x${factor.toFixed(1)}; cores: ${cores.join(", ")}; ${Math.round(requestMs)} ms a request on the clock`;
  }

  /** Begins anew with each call. */
  take(): PaceFigures {
    const looks = this.#looks;
    this.#looks = looks.slice(-1);
    const mean = (of: (look: Look) => number): number =>
      looks.reduce((sum, look) => sum + of(look), 0) / Math.max(1, looks.length);
    const factors = looks.map(({ factor }) => factor);
    const counts = Map.groupBy(looks, ({ heldBackBy }) => heldBackBy);
    return {
      slowest: Math.min(...factors, this.#factor),
      fastest: Math.max(...factors, 1),
      generator: mean(({ generator }) => generator),
      operator: mean(({ operator }) => operator),
      controlPlane: mean(({ controlPlane }) => controlPlane),
      others: mean(({ others }) => others),
      requestMs: mean(({ requestMs }) => requestMs),
      heldBackBy: Object.fromEntries(
        [...counts].map(([what, some]) => [what, Math.round((100 * some.length) / looks.length)]),
      ),
    };
  }

  #tick(): void {
    try {
      this.#look();
    } catch (error) {
      this.failure ??= error;
      this.stop();
    }
  }

  #look(): void {
    const { clock, operator, fastest } = this.#parts;
    const before = this.#last;
    const now = this.#meters();
    this.#last = now;
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
    this.#loop = loop;
    const spanMs = now.atMs - before.atMs;
    const factor = clock.factorNow();
    const answered = Math.max(1, now.answered - before.answered);
    const requestMs = ((now.waitedMs - before.waitedMs) / answered) * factor;
    const operatorShare = (now.operatorMs - before.operatorMs) / spanMs;
    const generator = (now.generatorMs - before.generatorMs) / spanMs;
    const controlPlane = (now.controlPlaneMs - before.controlPlaneMs) / spanMs;
    const busy = (now.busyMs - before.busyMs) / spanMs;
    const others = Math.max(0, busy - generator - operatorShare - controlPlane);
    const [strongest] = pressuresOf({ generatorShare: utilization, operatorShare, requestMs, others });
    const value = strongest?.value ?? 0;
    this.#looks.push({
      factor,
      generator,
      operator: operatorShare,
      controlPlane,
      others,
      requestMs,
      heldBackBy: this.#factor >= fastest ? "nothing: that is as fast as it may run" : (strongest?.what ?? ""),
    });
    const next = nextFactor(this.#factor, value, fastest);
    if (Math.abs(next / this.#factor - 1) < SMALL_CHANGE) return;
    this.#factor = next;
    operator.changeClock(clock.change(next));
  }

  #meters(): Meters {
    const { operator, service, controlPlanePids } = this.#parts;
    return {
      atMs: performance.now(),
      generatorMs: cpuMs(process.pid),
      operatorMs: cpuMs(operator.pid),
      controlPlaneMs: controlPlanePids().reduce((sum, pid) => sum + cpuMs(pid), 0),
      busyMs: processorsBusyMs(),
      ...service.counts,
    };
  }
}
