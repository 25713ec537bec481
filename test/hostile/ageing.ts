/**
 * How nonces, challenges and sessions become old: by waiting, or, where one may read the operator's keys, by sealing them
 * anew with an earlier time. The operator then gets the bytes that it would have got of somebody who had waited.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  openChallengeState,
  openSession,
  sealChallengeState,
  sealNonce,
  sealSession,
  type SessionKeys,
} from "../../packages/operator/src/session/index.ts";

export interface Ageing {
  nonce(nonce: Buffer, ageMs: number): Promise<Buffer>;
  state(state: Buffer, ageMs: number): Promise<Buffer>;
  session(token: string, ageMs: number): Promise<string>;
}

async function waited<Held>(held: Held, ageMs: number): Promise<Held> {
  await sleep(ageMs);
  return held;
}

export const WAITING: Ageing = { nonce: waited, state: waited, session: waited };

/** @param keys  of the operator that is attacked */
export function resealing(keys: SessionKeys): Ageing {
  return {
    nonce: async (_nonce, ageMs) => sealNonce(keys.sealing(), Date.now() - ageMs, randomBytes),
    async state(state, ageMs) {
      const opened = await openChallengeState(keys, state, Date.now());
      return sealChallengeState(keys.sealing(), { ...opened, issuedAtMs: opened.issuedAtMs - ageMs }, randomBytes(12));
    },
    async session(token, ageMs) {
      return sealSession(keys.sealing(), await openSession(keys, token, Date.now()), Date.now() - ageMs);
    },
  };
}
