/** The two visits of a machine by attestation: through a registration, and as one that goes on. */
import type { SoftwareTpm } from "../software-tpm/index.ts";
import type { AttestedVisit, NextServer } from "./attested-visit.ts";

export interface AttestedVisits {
  readonly registering: (tpm: SoftwareTpm) => AttestedVisit;
  readonly goingOn: (tpm: SoftwareTpm) => AttestedVisit;
}

/** @param way  asked at each visit: operators are started again, with other addresses and keys */
export function attestedVisits(
  way: () => { readonly next: NextServer; readonly channel: Buffer; readonly token: string },
): AttestedVisits {
  return {
    registering(tpm) {
      const { next, channel, token } = way();
      return { next, tpm, channel, purpose: { kind: "registration", token } };
    },
    goingOn(tpm) {
      const { next, channel } = way();
      return { next, tpm, channel, purpose: { kind: "session" } };
    },
  };
}
