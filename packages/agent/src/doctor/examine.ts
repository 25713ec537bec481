/** All checks of a machine, side by side, within one bound of time. */
import type { KubernetesClient } from "../kubernetes/index.ts";
import type { Tpm } from "../tpm/index.ts";
import { addAgentChecks } from "./agent-checks.ts";
import type { CheckName } from "./check-names.ts";
import { createCheckup } from "./checkup.ts";
import { addClusterChecks } from "./cluster-checks.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { addMachineChecks } from "./machine-checks.ts";
import { addOperatorChecks } from "./operator-checks.ts";
import type { OperatorTarget } from "./operator-target.ts";
import { addTpmChecks } from "./tpm-checks.ts";
import type { DoctorReport } from "./verdict.ts";

export interface ExamineOptions {
  readonly names: readonly CheckName[];
  readonly target: OperatorTarget;
  /** PEM of the makers' CAs; undefined: the chain of the EK certificate is not followed. */
  readonly ekAuthorities: string | undefined;
  /** Of the time for the whole, what reading configurations has taken already. */
  readonly spentMs: number;
  /**
   * Told where the TPM has not ended what it was asked for when all is said: without a resource manager it would keep the key.
   * @param closing  until it is taken out, within TPM_CLOSE_LIMIT_MS
   */
  readonly onTpmBusy: (closing: Promise<void>) => void;
  readonly signal: AbortSignal;
}

const EXAMINE_LIMIT_MS = 17_000;
/** For what is taken out of the TPM afterwards. */
const CLOSE_LIMIT_MS = 2_000;
/** A key takes 20 s in the slowest TPMs that are known; the tools wait for it so long. */
export const TPM_CLOSE_LIMIT_MS = 30_000;
/** For both, and the program's own start. */
export const CHECKS_LIMIT_MS = EXAMINE_LIMIT_MS + CLOSE_LIMIT_MS + 1_000;

/** @throws DoctorError DOCTOR_INTERRUPTED */
export async function examineThrough(outside: DoctorOutside, options: ExamineOptions): Promise<DoctorReport> {
  const { names, target, ekAuthorities, spentMs, signal } = options;
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const tpms: Tpm[] = [];
  const clients: KubernetesClient[] = [];
  const checkup = createCheckup({
    limitMs: Math.max(0, EXAMINE_LIMIT_MS - Math.ceil(spentMs)),
    signal,
    nowMs: outside.nowMs,
  });
  const tpm = addTpmChecks(checkup, outside, { ekAuthorities, onOpen: (one) => tpms.push(one), signal: ended });
  addOperatorChecks(checkup, outside, { target, ...tpm });
  addMachineChecks(checkup, outside);
  addClusterChecks(checkup, outside, { onConnect: (one) => clients.push(one) });
  addAgentChecks(checkup, outside, target);
  try {
    return await checkup.run(names);
  } finally {
    over.abort();
    for (const client of clients) client.close();
    const closing = Promise.all(tpms.map((one) => one.close())).then(() => undefined);
    if (!(await isDoneWithin(CLOSE_LIMIT_MS, closing))) options.onTpmBusy(closing);
  }
}

/** A TPM that is silent would hold us for as long as its slowest command. */
async function isDoneWithin(limitMs: number, work: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), limitMs);
  const isDone = await Promise.race([work.then(() => true), late.promise]);
  clearTimeout(timer);
  return isDone;
}
