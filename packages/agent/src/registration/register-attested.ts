/** Registers this machine by the attestation protocol: ours, over plain HTTPS requests. */
import type { Purpose } from "@rancheros/protocol/attestation";

import { refuseUnlessApproved, waitForApproval } from "./approval.ts";
import { registrationToken } from "./attestation-endpoints.ts";
import { RegistrationError } from "./errors.ts";
import type { InstallConfig } from "./install-config.ts";
import { answerReportBytes, type OwnReport } from "./machine-report.ts";
import { withRetries, type RetryOutside } from "./retry.ts";
import { keepSession } from "./session-keeper.ts";
import { prepareVisit, type Attested, type VisitOptions, type VisitOutside } from "./visit.ts";

export interface RegisterAttestedOptions extends VisitOptions {
  /** What the machine says of itself. */
  readonly report: () => Promise<OwnReport>;
  /** How long to try again what may go well later, and to wait for approval; 0 for not at all. */
  readonly waitMs: number;
}

/** @throws RegistrationError, TpmError, AttestationMessageError */
export async function registerAttestedThrough(
  outside: VisitOutside & RetryOutside,
  options: RegisterAttestedOptions,
): Promise<InstallConfig> {
  const { signal, waitMs, onEvent, report } = options;
  const visit = prepareVisit(outside, options, false);
  const purpose: Purpose = { kind: "registration", token: registrationToken(visit.server.url) };
  const endMs = outside.elapsedMs() + waitMs;
  const attest = (): Promise<Attested> =>
    visit.attest(purpose, async (stateBytes) => answerReportBytes(await report(), stateBytes));
  const admission = await withRetries(
    outside,
    {
      waitMs,
      signal,
      onRetry: (error, delayMs) => onEvent({ kind: "retry", error, delayMs }),
      onGaveUp: (attempts, afterMs) => onEvent({ kind: "gave-up", attempts, afterMs }),
    },
    async () => {
      const first = await attest();
      if (first.admission.approval !== "Pending" || waitMs === 0) return first.admission;
      const keeper = keepSession(outside, visit, attest, first);
      return waitForApproval(outside, { keeper, endMs, signal, onEvent }, first.admission);
    },
  );
  refuseUnlessApproved(admission.approval, admission.machine);
  if (admission.config !== undefined) return admission.config;
  throw new RegistrationError("REGISTRATION_NONSENSE", "the server admits the machine and sends no configuration", {
    details: { step: "config" },
  });
}
