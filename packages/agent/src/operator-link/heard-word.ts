/** What the operator has heard last of this machine's upgrade. */
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";

export class HeardWord {
  #word: UpgradeStatus | undefined;
  #change = Promise.withResolvers<void>();

  note(word: UpgradeStatus): void {
    this.#word = word;
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** Resolves when it has heard of the phase that the machine is in by then, or with the signal. */
  async untilItIs(status: () => UpgradeStatus, signal: AbortSignal): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const onAbort = (): void => ended.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    while (!signal.aborted && !this.#isAbout(status())) await Promise.race([this.#change.promise, ended.promise]);
    signal.removeEventListener("abort", onAbort);
  }

  #isAbout({ plan, attempt, phase }: UpgradeStatus): boolean {
    const word = this.#word;
    return word?.plan === plan && word?.attempt === attempt && word.phase === phase;
  }
}
