/** A machine that the operator has let in, and the key of its session. */
import type { Admission } from "@rancheros/protocol/attestation";

export const KEY = Buffer.alloc(32, 7);
export const MACHINE = { namespace: "fleet", name: "m1", uid: "u1" };
export const ADMISSION: Admission = {
  machine: MACHINE,
  approval: "Approved",
  trust: "none",
  config: undefined,
  session: { token: "t", key: KEY, expiresInSeconds: 900 },
  ca: undefined,
  nextAskInSeconds: 60,
};
