/** Keeps what has time, by machine, and lets it be written when it has lasted. */
import type { InventoryEntry } from "./inventory-entry.ts";
import type { LateFacts } from "./late-facts.ts";

/** More machines than one API server has; what comes beyond is not kept. */
const MACHINES_MAX = 20_000;

export interface LateWritesParts {
  readonly write: (entry: InventoryEntry, facts: LateFacts) => Promise<void>;
  /** @returns whether it is worth trying again */
  readonly onFailure: (entry: InventoryEntry, error: unknown) => boolean;
  readonly nowMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  /** @returns what cancels it */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
}

interface Kept {
  readonly entry: InventoryEntry;
  readonly facts: LateFacts;
  readonly cancel: () => void;
}

const AT_ONCE = 8;
const RETRY_MS = 15_000;

export class LateWrites {
  readonly #parts: LateWritesParts;
  readonly #kept = new Map<string, Kept>();
  /** Of machines whose time has come. */
  readonly #due = new Set<string>();
  #writing = 0;
  #isStopped = false;
  #onIdle: (() => void) | undefined;

  constructor(parts: LateWritesParts) {
    this.#parts = parts;
  }

  /** Of how many machines something is kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** @param uid  of the MachineInventory */
  facts(uid: string): LateFacts {
    return this.#kept.get(uid)?.facts ?? {};
  }

  /** Keeps it in place of what was kept of the same kind. @returns whether there is room for it */
  keep(entry: InventoryEntry, facts: LateFacts): boolean {
    const { uid } = entry.metadata;
    if (this.#isStopped || (!this.#kept.has(uid) && this.#kept.size >= MACHINES_MAX)) return false;
    this.#put(entry, { ...this.facts(uid), ...facts });
    return true;
  }

  /** What was kept is written, or is not true any more; what has come since stays. */
  forget(uid: string, facts: LateFacts): void {
    const kept = this.#kept.get(uid);
    if (kept === undefined) return;
    const { word, report, proof } = kept.facts;
    this.#put(kept.entry, {
      ...(word === undefined || word === facts.word ? {} : { word }),
      ...(report === undefined || report === facts.report ? {} : { report }),
      ...(proof === undefined || proof === facts.proof ? {} : { proof }),
    });
  }

  /** Keeps nothing more; settles when all that was kept is written, or could not be. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const [uid, { cancel }] of this.#kept) {
      cancel();
      this.#due.add(uid);
    }
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#work();
    });
  }

  #put(entry: InventoryEntry, facts: LateFacts): void {
    const { uid } = entry.metadata;
    this.#kept.get(uid)?.cancel();
    const dueMs = Math.min(...Object.values(facts).map((one: { readonly dueMs: number }) => one.dueMs));
    if (dueMs === Number.POSITIVE_INFINITY) {
      this.#kept.delete(uid);
      return;
    }
    const cancel = this.#parts.setTimer(
      () => {
        this.#due.add(uid);
        this.#work();
      },
      Math.max(0, dueMs - this.#parts.nowMs()),
    );
    this.#kept.set(uid, { entry, facts, cancel });
  }

  #work(): void {
    for (const uid of this.#due) {
      if (this.#writing >= AT_ONCE) return;
      this.#due.delete(uid);
      this.#writing += 1;
      void this.#write(uid).finally(() => {
        this.#writing -= 1;
        this.#work();
      });
    }
    if (this.#writing === 0) this.#onIdle?.();
  }

  async #write(uid: string): Promise<void> {
    const kept = this.#kept.get(uid);
    if (kept === undefined) return;
    const { entry, facts } = kept;
    try {
      await this.#parts.write(entry, facts);
      this.forget(uid, facts);
    } catch (error) {
      if (this.#parts.onFailure(entry, error) && !this.#isStopped) this.#postpone(uid);
      else this.forget(uid, facts);
    }
  }

  #postpone(uid: string): void {
    const kept = this.#kept.get(uid);
    if (kept === undefined) return;
    const dueMs = this.#parts.nowMs() + RETRY_MS * (0.5 + this.#parts.random());
    const { word, report, proof } = kept.facts;
    this.#put(kept.entry, {
      ...(word === undefined ? {} : { word: { ...word, dueMs } }),
      ...(report === undefined ? {} : { report: { ...report, dueMs } }),
      ...(proof === undefined ? {} : { proof: { ...proof, dueMs } }),
    });
  }
}
