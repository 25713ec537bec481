/** Operators that are killed and started again, and frozen and let go on, one after the other. */
import { setTimeout as sleep } from "node:timers/promises";
import { startOperator, type OperatorOptions, type OperatorProcess } from "../operator/operator-process.ts";

const BETWEEN_MS = 4_000;
/** A frozen replica then goes on with what it knew before, and with requests that nobody waits for any more. */
const FROZEN_MS = 2_000;

export class OperatorChaos {
  readonly #options: OperatorOptions;
  readonly #replicas: OperatorProcess[];
  readonly #over = new AbortController();
  kills = 0;
  freezes = 0;

  private constructor(options: OperatorOptions, replicas: OperatorProcess[]) {
    this.#options = options;
    this.#replicas = replicas;
  }

  static async start(options: OperatorOptions, count: number): Promise<OperatorChaos> {
    const numbers = Array.from({ length: count }, (_, number) => number);
    const start = async (number: number) => startOperator({ ...options, name: `operator-${number}` });
    // The first one makes what they share.
    const first = await start(0);
    return new OperatorChaos(options, [first, ...(await Promise.all(numbers.slice(1).map(start)))]);
  }

  /** Of all, also of those that do not answer now. */
  get urls(): readonly string[] {
    return this.#replicas.map(({ httpUrl }) => httpUrl);
  }

  get httpsUrl(): string {
    return this.#replicas[0]?.httpsUrl ?? "";
  }

  /** Goes on until it is calm: each in its turn is killed, while another one is frozen every second time. */
  async trouble(): Promise<void> {
    for (let turn = 0; await this.#pause(BETWEEN_MS); turn += 1) {
      const number = turn % this.#replicas.length;
      const frozen = turn % 3 === 0 ? this.#replicas[(number + 1) % this.#replicas.length] : undefined;
      if (frozen !== undefined) this.#freeze(frozen);
      try {
        await this.#killAndStart(number);
        await this.#pause(FROZEN_MS);
      } finally {
        if (frozen !== undefined) process.kill(frozen.pid, "SIGCONT");
      }
    }
  }

  calm(): void {
    this.#over.abort();
  }

  async end(): Promise<void> {
    this.calm();
    await Promise.all(this.#replicas.map((one) => one.stop()));
  }

  #freeze({ pid }: OperatorProcess): void {
    process.kill(pid, "SIGSTOP");
    this.freezes += 1;
  }

  async #killAndStart(number: number): Promise<void> {
    await this.#replicas[number]?.kill();
    this.kills += 1;
    this.#replicas[number] = await startOperator({ ...this.#options, name: `operator-${number}` });
  }

  /** @returns whether it goes on */
  async #pause(delayMs: number): Promise<boolean> {
    await sleep(delayMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
    return !this.#over.signal.aborted;
  }
}
