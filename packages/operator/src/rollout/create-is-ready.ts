/** Tells people of an image about which nothing is decided, since nobody knows which machines an older one has. */
import type { Troubles } from "../telemetry/index.ts";
import type { Readiness } from "./readiness.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutNews } from "./rollout-parts.ts";

export interface TellBlockedParts {
  readonly index: Pick<RolloutIndex, "image">;
  readonly readiness: Pick<Readiness, "isReady" | "blocked">;
  readonly troubles: Troubles;
  readonly tell: (news: RolloutNews) => void;
}

/** @returns whether this replica knows enough to decide about the image of the key; says so of one that waits for another */
export function createIsReady({ index, readiness, troubles, tell }: TellBlockedParts): (key: string) => boolean {
  return (key) => {
    const state = index.image(key);
    const waiting = readiness.blocked(key);
    if (state === undefined || waiting === undefined) {
      troubles.over(`${key} blocked`);
      return readiness.isReady(key);
    }
    const { namespace, name, uid } = state.image.object.metadata;
    // Its status stays as it is: a replica that knows the older image better goes on writing it.
    if (troubles.isNews(`${key} blocked`, waiting.message)) {
      const news = { image: { namespace, name, uid }, machine: undefined, kind: "state", isTrouble: true } as const;
      tell({ ...news, reason: "Blocked", message: `nothing is decided about this image: ${waiting.message}` });
    }
    return false;
  };
}
