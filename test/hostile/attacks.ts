/** All attacks on the protocol of rancherd; some need a registration of their own and are in the tests. */
import type { Attack } from "./attack.ts";
import { ATTESTATION_KEY_ATTACKS } from "./attestation-key-attacks.ts";
import { CHALLENGE_ATTACKS } from "./challenge-attacks.ts";
import { ENDORSEMENT_KEY_ATTACKS } from "./endorsement-key-attacks.ts";
import { REQUEST_ATTACKS } from "./request-attacks.ts";

export const LEGACY_ATTACKS: readonly Attack[] = [
  ...REQUEST_ATTACKS,
  ...ENDORSEMENT_KEY_ATTACKS,
  ...ATTESTATION_KEY_ATTACKS,
  ...CHALLENGE_ATTACKS,
];
