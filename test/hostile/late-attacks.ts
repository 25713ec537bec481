/** Nonces, challenges and sessions whose time is over. */
import {
  CHALLENGE_LIFETIME_MS,
  EMPTY_REPORT,
  NONCE_LIFETIME_MS,
  SESSION_LIFETIME_MS,
} from "@rancheros/protocol/attestation";
import { answer, askMachine, askNonce, attest, report, solve, visitAttested } from "../machine/attested-visit.ts";
import type { StagedAttack, Told } from "./attack.ts";
import type { Ageing } from "./ageing.ts";
import { honest, refused, toldCode, type AttestedScene } from "./attested-attacks.ts";

export interface LateScene extends AttestedScene {
  readonly ageing: Ageing;
}

/** Clocks of replicas may differ by this: docs/protocol.md. */
const CLOCK_SKEW_MS = 10_000;
/** Behind the last moment; before it by as much, the same is taken. */
export const MARGIN_MS = 5_000;

export type Held = "nonce" | "challenge" | "session";

export const LIFETIMES_MS: Readonly<Record<Held, number>> = {
  nonce: NONCE_LIFETIME_MS,
  challenge: CHALLENGE_LIFETIME_MS,
  session: SESSION_LIFETIME_MS,
};

/** Gets something from the operator, lets it become so old, and uses it then. */
export async function useAged(scene: LateScene, held: Held, ageMs: number): Promise<() => Promise<unknown>> {
  const { ageing } = scene;
  const visit = honest(scene);
  if (held === "nonce") {
    const nonce = await ageing.nonce(await askNonce(visit.next), ageMs);
    return async () => attest(visit, nonce);
  }
  if (held === "challenge") {
    const challenge = await attest(visit, await askNonce(visit.next));
    const state = await ageing.state(challenge.state, ageMs);
    return async () => answer(visit.next, solve(visit, { ...challenge, state }));
  }
  const { session } = await visitAttested(visit);
  const token = await ageing.session(session.token, ageMs);
  return async () => askMachine(visit.next, token);
}

async function lateReport(scene: LateScene): Promise<() => Promise<unknown>> {
  const visit = honest(scene);
  const { session } = await visitAttested(visit);
  const token = await scene.ageing.session(session.token, SESSION_LIFETIME_MS + MARGIN_MS);
  return async () => report(visit.next, token, { ...EMPTY_REPORT, agentVersion: "9.9.9" });
}

function late(
  what: string,
  [status, reason]: readonly [number, string],
  use: (scene: LateScene) => Promise<() => Promise<unknown>>,
): StagedAttack<LateScene> {
  return {
    line: "challenge",
    what,
    reason,
    told: toldCode(status, reason),
    async arrange(scene) {
      const using = await use(scene);
      return async (): Promise<Told> => refused(using());
    },
  };
}

const old =
  (held: Held) =>
  async (scene: LateScene): Promise<() => Promise<unknown>> =>
    useAged(scene, held, LIFETIMES_MS[held] + MARGIN_MS);

/** Of a replica whose clock is ahead by more than any may be: nobody can wait for that. */
const tooNew =
  (held: Held) =>
  async (scene: LateScene): Promise<() => Promise<unknown>> =>
    useAged(scene, held, -CLOCK_SKEW_MS - MARGIN_MS);

/** Within a minute and a little. */
export const LATE_ATTACKS: readonly StagedAttack<LateScene>[] = [
  late("a nonce that is too old", [403, "NONCE_EXPIRED"], old("nonce")),
  late("an answer that comes too late", [403, "CHALLENGE_EXPIRED"], old("challenge")),
];

/** A quarter of an hour later. */
export const LATER_ATTACKS: readonly StagedAttack<LateScene>[] = [
  late("a session that has ended, asking", [401, "SESSION_EXPIRED"], old("session")),
  late("a session that has ended, reporting", [401, "SESSION_EXPIRED"], lateReport),
];

export const FUTURE_ATTACKS: readonly StagedAttack<LateScene>[] = [
  late("a nonce of a time to come", [403, "NONCE_EXPIRED"], tooNew("nonce")),
  late("a challenge of a time to come", [403, "CHALLENGE_EXPIRED"], tooNew("challenge")),
  late("a session of a time to come", [401, "SESSION_EXPIRED"], tooNew("session")),
];
