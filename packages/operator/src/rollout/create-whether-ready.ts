/** Tells whether enough is known to decide about an image, and tells people of one that waits for an older one. */
import type { Waiting } from "@rancheros/protocol/upgrade";
import type { Troubles } from "../telemetry/index.ts";
import { blockedMessage } from "./blocked-status.ts";
import type { Readiness } from "./readiness.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutNews } from "./rollout-parts.ts";

/** What is waited for, where nobody knows which machines an older image has. */
export type WhetherReady = "ready" | "not-ready" | Waiting;

export interface TellBlockedParts {
  readonly index: Pick<RolloutIndex, "image">;
  readonly readiness: Pick<Readiness, "isReady" | "blocked">;
  readonly troubles: Troubles;
  readonly tell: (news: RolloutNews) => void;
}

/** @returns whether this replica knows enough to decide about the image of the key; says so of one that waits for another */
export function createWhetherReady({
  index,
  readiness,
  troubles,
  tell,
}: TellBlockedParts): (key: string) => WhetherReady {
  return (key) => {
    const state = index.image(key);
    const waiting = readiness.blocked(key);
    if (state === undefined || waiting === undefined) {
      troubles.over(`${key} blocked`);
      return readiness.isReady(key) ? "ready" : "not-ready";
    }
    const { namespace, name, uid } = state.image.object.metadata;
    if (troubles.isNews(`${key} blocked`, waiting.message)) {
      const news = { image: { namespace, name, uid }, machine: undefined, kind: "state", isTrouble: true } as const;
      tell({ ...news, reason: "Blocked", message: blockedMessage(waiting) });
    }
    return waiting;
  };
}
