/**
 * When the turn of a machine may come: slots that were granted together come free together, so that many machines of the
 * queue have their turn at once.
 */
import type { ImageState, MachineState } from "./image-state.ts";
import type { Slot } from "./slot.ts";

type Held = Pick<ImageState, "plan" | "slots">;

interface Heard extends Pick<MachineState, "outcome"> {
  readonly machine: { readonly metadata: { readonly uid: string } };
  readonly claims: readonly Held[];
}

/** Of one image's plan, as this replica has seen it. */
interface Times {
  /** From the grant to the machine that says it runs the image, the shortest of all. */
  shortestMs: number;
}

export class TurnTimes {
  readonly #times = new WeakMap<Held, Times>();
  /** By cluster, when its slots were granted, the earliest first; of slots as one version of the status has them. */
  readonly #granted = new WeakMap<ReadonlyMap<string, Slot>, ReadonlyMap<string, readonly number[]>>();

  /** To be called whenever the machine is heard of; looks whether it has just come through with its slot. */
  note(state: Heard | undefined, nowMs: number): void {
    const [image] = state?.claims ?? [];
    if (state?.outcome !== "done" || image === undefined) return;
    const slot = image.slots.get(state.machine.metadata.uid);
    if (slot === undefined || slot.plan !== image.plan) return;
    const tookMs = Math.max(0, nowMs - Date.parse(slot.grantedAt));
    const known = this.#times.get(image);
    if (known === undefined) this.#times.set(image, { shortestMs: tookMs });
    else known.shortestMs = Math.min(known.shortestMs, tookMs);
  }

  /**
   * @param rank  how many of its cluster come before it
   * @param limit  slots of the cluster, free ones too
   * @returns seconds, 0 where its turn may have come; undefined where nothing tells
   */
  secondsUntil(
    image: Held,
    { cluster, rank, limit }: { readonly cluster: string; readonly rank: number; readonly limit: number },
    nowMs: number,
  ): number | undefined {
    const times = this.#times.get(image);
    const granted = this.#grantedOf(image.slots).get(cluster) ?? [];
    const before = rank - Math.max(0, limit - granted.length);
    if (before < 0) return 0;
    const grantedMs = granted[before];
    if (times === undefined || grantedMs === undefined) return undefined;
    return Math.max(0, grantedMs + times.shortestMs - nowMs) / 1000;
  }

  #grantedOf(slots: ReadonlyMap<string, Slot>): ReadonlyMap<string, readonly number[]> {
    const known = this.#granted.get(slots);
    if (known !== undefined) return known;
    const granted = new Map<string, number[]>();
    for (const { cluster, grantedAt } of slots.values()) {
      const list = granted.get(cluster);
      if (list === undefined) granted.set(cluster, [Date.parse(grantedAt)]);
      else list.push(Date.parse(grantedAt));
    }
    for (const list of granted.values()) list.sort((a, b) => a - b);
    this.#granted.set(slots, granted);
    return granted;
  }
}
