/** How all that the demo has started goes again: at its end, after a failure, and at a signal. */
import { setTimeout as sleep } from "node:timers/promises";

type Work = () => Promise<void> | void;

/** What is under way fails within moments when the servers are gone that it asks. */
const SETTLE_MS = 10_000;

export class DemoTeardown {
  readonly #last: Work;
  readonly #undo: Work[] = [];
  readonly #begun = new AbortController();
  #underWay: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;

  /** @param last  what is done after all else */
  constructor(last: Work) {
    this.#last = last;
  }

  /** Aborted when it begins. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** The last of these goes first. */
  atTheEnd(work: Work): void {
    this.#undo.push(work);
  }

  /** What starts things: is waited for, as it may have started one more. */
  async watch<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay = work.catch(() => undefined);
    return work;
  }

  /**
   * Ends the process in order at a signal, and where an error has come from nowhere. A second signal ends it at once.
   * @param exitCode  after a signal
   */
  listen(exitCode: () => number): void {
    // Who read it may be gone, as `tee` is at the same Ctrl-C, or the terminal that was closed.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (this.signal.aborted) process.exit(130);
        process.stderr.write("\nTearing down ...\n");
        void this.#exit(exitCode);
      });
    }
    process.on("uncaughtException", (error) => {
      process.stderr.write(`demo: ${error.message}\n`);
      void this.#exit(() => 1);
    });
  }

  /** Takes down what was started, once. Never rejects. */
  async run(): Promise<void> {
    this.#running ??= this.#run();
    await this.#running;
  }

  async #exit(code: () => number): Promise<never> {
    await this.run();
    process.exit(code());
  }

  async #run(): Promise<void> {
    this.#begun.abort();
    await this.#takeDown();
    await this.#settle();
    this.#undo.unshift(this.#last);
    await this.#takeDown();
  }

  async #settle(): Promise<void> {
    const timer = new AbortController();
    const late = sleep(SETTLE_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.#underWay, late]);
    timer.abort();
  }

  async #takeDown(): Promise<void> {
    for (let one = this.#undo.pop(); one !== undefined; one = this.#undo.pop()) {
      try {
        await one();
      } catch (error) {
        process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  }
}
