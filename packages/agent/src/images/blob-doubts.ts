/** Which endpoints have sent something else than a blob, or nothing of it: others are asked before them from then on. */
import type { Asked } from "./ask-in-turn.ts";

export interface BlobDoubts {
  /** Bounded: the oldest is forgotten. */
  readonly add: (digest: string, one: Asked) => void;
  /** @returns all of them: those of which nothing is known in their order, behind them whoever was doubted longest ago first */
  readonly sorted: <One extends Asked>(digest: string, all: readonly One[]) => readonly One[];
}

const DOUBTS_MAX = 1_000;

export function blobDoubts(): BlobDoubts {
  const known = new Set<string>();
  return {
    add(digest, one) {
      const key = keyOf(digest, one);
      known.delete(key);
      known.add(key);
      const [oldest] = known;
      if (known.size > DOUBTS_MAX && oldest !== undefined) known.delete(oldest);
    },
    sorted(digest, all) {
      const order = [...known];
      const rank = new Map(all.map((one) => [one, order.indexOf(keyOf(digest, one))]));
      return all.toSorted((one, other) => (rank.get(one) ?? 0) - (rank.get(other) ?? 0));
    },
  };
}

function keyOf(digest: string, { endpoint }: Asked): string {
  return `${digest} ${endpoint.root} ${endpoint.repository}`;
}
