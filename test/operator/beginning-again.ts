/** A visit as an agent makes it, which begins again when it is told to. */
import type { Admission } from "@rancheros/protocol/attestation";
import { Refusal } from "../machine/attested-visit.ts";
import { eventually } from "./objects.ts";

/** Within what clocks that are put right may still differ. */
const APART_MS = 10_000;

/**
 * Of a challenge a moment ago, at a replica that is ahead by that, another one may not have heard yet: docs/protocol.md.
 * @throws Refusal  of another kind
 */
export async function beginningAgain(visit: () => Promise<Admission>): Promise<Admission> {
  return eventually(
    async () => {
      try {
        return await visit();
      } catch (error) {
        if (error instanceof Refusal && error.refusal.code === "CHALLENGE_USED") return undefined;
        throw error;
      }
    },
    "a visit",
    APART_MS,
  );
}
