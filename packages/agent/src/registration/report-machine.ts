/** A machine that has joined tells what it is: once, or again and again at the server's pace. */
import { RESPONSE_MAX_BYTES, readMachineState, type MachineState } from "@rancheros/protocol/attestation";
import { isCodedError } from "@rancheros/protocol/errors";

import { askDelayMs, isSessionOver } from "./approval.ts";
import { JSON_HEADERS } from "./attest.ts";
import { attestationEndpoints } from "./attestation-endpoints.ts";
import { RegistrationError } from "./errors.ts";
import { reportBytes, type OwnReport } from "./machine-report.ts";
import { readProtocolAnswer } from "./protocol-answer.ts";
import { retryDelayMs, type RetryOutside } from "./retry.ts";
import { prepareVisit, type Attested, type Visit, type VisitOptions, type VisitOutside } from "./visit.ts";

/** As with the waiting for approval: a session is not used in its last moments. */
const SESSION_MARGIN_MS = 30_000;

export interface ReportOptions extends VisitOptions {
  /** Read anew for each report: addresses and versions change. */
  readonly readReport: () => Promise<OwnReport>;
  /** Go on until the signal; otherwise one report. */
  readonly goesOn: boolean;
  /** After each report that was taken. */
  readonly onReported: (state: MachineState, nextMs: number) => void;
}

/**
 * @returns after one report, or, where it goes on, when the signal was given
 * @throws RegistrationError, TpmError, AttestationMessageError; where it goes on, only what trying again cannot mend
 */
export async function reportThrough(outside: VisitOutside & RetryOutside, options: ReportOptions): Promise<void> {
  const visit = prepareVisit(outside, options, true);
  let session: Attested | undefined;
  for (let failures = 0; ;) {
    let delayMs: number;
    try {
      session = await openSession(outside, visit, session);
      const state = await sendReport(outside, visit, session, await options.readReport());
      delayMs = askDelayMs(state.nextAskInSeconds, outside.random());
      options.onReported(state, delayMs);
      failures = 0;
    } catch (error) {
      if (options.goesOn && options.signal.aborted) return;
      const wasFresh = failures > 0;
      if (isSessionOver(error) && session !== undefined && !wasFresh) {
        session = undefined;
        failures++;
        continue;
      }
      delayMs = delayAfter(error, ++failures, options, outside.random());
    }
    if (!options.goesOn) return;
    const wasBrokenOff = await outside.sleep(delayMs, options.signal).then(
      () => false,
      () => true,
    );
    if (wasBrokenOff) return;
  }
}

function delayAfter(error: unknown, failures: number, options: ReportOptions, random: number): number {
  if (!isCodedError(error) || !options.goesOn) throw error;
  const delayMs = retryDelayMs(error.retry, failures, random);
  if (delayMs === undefined) throw error;
  options.onEvent({ kind: "retry", error, delayMs });
  return delayMs;
}

async function openSession(outside: VisitOutside, visit: Visit, present: Attested | undefined): Promise<Attested> {
  if (present !== undefined && outside.nowMs() < present.sessionEndMs - SESSION_MARGIN_MS) return present;
  return visit.attest({ kind: "session" }, async () => Buffer.alloc(0));
}

async function sendReport(
  outside: VisitOutside,
  visit: Visit,
  { admission, route, peerSpki }: Attested,
  report: OwnReport,
): Promise<MachineState> {
  const { server, proxy, ca } = route;
  const connection = outside.connectServer({ url: server.url, proxy, ca }, peerSpki);
  try {
    const answer = await visit.startCourse().run("report", (signal) =>
      connection.send({
        method: "PUT",
        url: attestationEndpoints(server.url).report,
        headers: { ...JSON_HEADERS, authorization: `Bearer ${admission.session.token}` },
        body: reportBytes(report),
        maxBodyBytes: RESPONSE_MAX_BYTES + 1,
        signal,
      }),
    );
    const context = { server, step: "report", isFirst: false, nowMs: outside.nowMs() } as const;
    const state = readProtocolAnswer(answer, readMachineState, context);
    if (state.approval !== "Denied") return state;
    const machine = `${state.machine.namespace}/${state.machine.name}`;
    throw new RegistrationError("REGISTRATION_DENIED", `the machine ${machine} was denied`, { details: { machine } });
  } finally {
    connection.close();
  }
}
