/** A fleet of simulated machines, as many as asked, that join an operator and then live with it. */
import { Random } from "../fuzz/random.ts";
import type { SoftwareTpmFleet } from "../software-tpm/index.ts";
import { drawNodeTimes } from "./node-times.ts";
import type { ScaledClock } from "./scaled-clock.ts";
import type { Service } from "./service.ts";
import { SimulatedMachine } from "./simulated-machine.ts";
import { SimulatedNode, type Fault } from "./simulated-node.ts";

export interface FleetOptions {
  readonly size: number;
  readonly seed: number;
  readonly clock: ScaledClock;
  readonly service: Service;
  readonly tpms: SoftwareTpmFleet;
  readonly token: string;
  /** Mean of what a node takes for an upgrade, on the fleet's clock, without what the agent itself waits for. */
  readonly nodeMs: number;
  readonly nodeLabels: (number: number) => Readonly<Record<string, string>>;
  readonly faultOf?: (number: number) => Fault;
  readonly requestTimeoutMs?: number;
  readonly onTrouble?: (what: string, error: unknown) => void;
}

export class Fleet {
  readonly machines: readonly SimulatedMachine[];
  readonly #clock: ScaledClock;
  readonly #random: Random;
  readonly #over = new AbortController();
  readonly #lives: Promise<void>[] = [];
  readonly #down = new Set<number>();
  /** The most that were down at the same time. */
  mostDown = 0;
  /** Called at each change of a machine. */
  onChange: (machine: SimulatedMachine) => void = () => undefined;

  constructor(options: FleetOptions) {
    const { size, seed, clock } = options;
    this.#clock = clock;
    this.#random = new Random(seed, 0);
    this.machines = Array.from({ length: size }, (_, number) => this.#made(number, options));
  }

  get downCount(): number {
    return this.#down.size;
  }

  /** All of them register, so many at once. */
  async join(inFlight: number, onJoined: (count: number) => void = () => undefined): Promise<void> {
    let next = 0;
    let joined = 0;
    const worker = async (): Promise<void> => {
      for (let machine = this.machines[next++]; machine !== undefined; machine = this.machines[next++]) {
        await machine.join();
        onJoined(++joined);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  }

  /** Those begin to live, spread over so long on the fleet's clock. */
  start(machines: readonly SimulatedMachine[] = this.machines, spreadMs = 0): void {
    for (const machine of machines) {
      this.#lives.push(this.#lived(machine.live((spreadMs * this.#random.below(1_000)) / 1_000)));
    }
  }

  /**
   * All of them register, one after the other, evenly over so long on the fleet's clock, and live from then on: as their
   * sessions are of different age, they do not all come to be renewed at once.
   */
  async arrive(spreadMs: number, onJoined: (count: number) => void = () => undefined): Promise<void> {
    const { signal } = this.#over;
    const beganMs = this.#clock.nowMs();
    const joins: Promise<void>[] = [];
    let count = 0;
    for (const [number, machine] of this.machines.entries()) {
      const dueMs = beganMs + (spreadMs * number) / this.machines.length;
      while (this.#clock.nowMs() < dueMs && !signal.aborted) {
        await this.#clock.sleep(dueMs - this.#clock.nowMs(), signal).catch(() => undefined);
      }
      if (signal.aborted) break;
      const joined = machine.join().then(() => onJoined(++count));
      joins.push(joined);
      this.#lives.push(this.#lived(joined.then(() => machine.live())));
    }
    await Promise.all(joins);
  }

  /** What ended a life too early, if anything did. */
  failure: unknown;

  async stop(): Promise<void> {
    this.#over.abort();
    for (const machine of this.machines) machine.end();
    await Promise.all(this.#lives);
  }

  async #lived(life: Promise<void>): Promise<void> {
    await life.catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (!this.#over.signal.aborted) this.failure ??= error;
  }

  #made(number: number, options: FleetOptions): SimulatedMachine {
    const { seed, clock, service, tpms, token, nodeMs, nodeLabels, faultOf, requestTimeoutMs, onTrouble } = options;
    const drawn = new Random(seed, number + 1);
    const random = (): number => drawn.uint32() / 0x1_0000_0000;
    const node = new SimulatedNode({
      name: `node-${number}`,
      uid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
      clock,
      random,
      times: drawNodeTimes(drawn, nodeMs),
      labels: nodeLabels(number),
      fault: faultOf?.(number) ?? "none",
      onStopping: () => machine.endServices(),
    });
    const machine = new SimulatedMachine({
      number,
      tpm: tpms.at(number),
      node,
      clock,
      service,
      random,
      token,
      labels: {},
      ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
      onChange: () => {
        if (node.isDown) this.#down.add(number);
        else this.#down.delete(number);
        this.mostDown = Math.max(this.mostDown, this.#down.size);
        this.onChange(machine);
      },
      onTrouble: onTrouble ?? (() => undefined),
    });
    return machine;
  }
}
