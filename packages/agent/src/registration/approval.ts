/** Waiting for somebody to approve this machine: asked at the server's pace, in a session that is renewed as it ends. */
import { RESPONSE_MAX_BYTES, readMachineState, type Admission, type Approval } from "@rancheros/protocol/attestation";
import { isCodedError } from "@rancheros/protocol/errors";

import { attestationEndpoints } from "./attestation-endpoints.ts";
import { RegistrationError } from "./errors.ts";
import { readProtocolAnswer } from "./protocol-answer.ts";
import type { RegistrationEvent } from "./register.ts";
import { retryDelayMs, type RetryOutside } from "./retry.ts";
import type { Attested, Visit, VisitOutside } from "./visit.ts";

const SHORTEST_ASK_MS = 1_000;
const LONGEST_ASK_MS = 10 * 60_000;
/** A session is not used in its last moments: the clocks differ, and the request takes its time. */
const SESSION_MARGIN_MS = 30_000;
/** RFC 1123 subdomain: what Kubernetes allows as a name, and what is safe in a command line. */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
/** HTTP status that means: this session is none any more. */
const SESSION_OVER = 401;

/** @returns the command by which people approve the machine. @throws RegistrationError for names that cannot be */
export function approveCommand({ namespace, name }: Admission["machine"]): string {
  if (!OBJECT_NAME.test(namespace) || !OBJECT_NAME.test(name)) {
    throw new RegistrationError("REGISTRATION_NONSENSE", "the server calls the machine by a name that cannot be one");
  }
  return `kubectl -n ${namespace} patch machineinventory ${name} --type merge -p '{"spec":{"approval":"Approved"}}'`;
}

/** @throws RegistrationError REGISTRATION_DENIED, and REGISTRATION_PENDING with the command that approves */
export function refuseUnlessApproved(approval: Approval, machine: Admission["machine"]): void {
  if (approval === "Approved") return;
  const approve = approveCommand(machine);
  const who = `${machine.namespace}/${machine.name}`;
  if (approval === "Denied") {
    throw new RegistrationError("REGISTRATION_DENIED", `the machine ${who} was denied`, { details: { machine: who } });
  }
  throw new RegistrationError("REGISTRATION_PENDING", `the machine ${who} waits for approval: ${approve}`, {
    details: { machine: who, approve },
  });
}

/**
 * When to ask again: what the server wants, within bounds, and up to a tenth later, so that machines spread.
 * @param random  from 0 to 1
 */
export function askDelayMs(nextAskInSeconds: number, random: number): number {
  const wantedMs = Math.min(Math.max(nextAskInSeconds * 1000, SHORTEST_ASK_MS), LONGEST_ASK_MS);
  return wantedMs * (1 + 0.1 * random);
}

export interface ApprovalWait {
  readonly visit: Visit;
  /** What is asked for once the machine is approved, or the session ends. */
  readonly attest: () => Promise<Attested>;
  /** Of our clock. */
  readonly endMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RegistrationEvent) => void;
}

/**
 * @param first  that says Pending
 * @returns      the admission of an approved machine
 * @throws RegistrationError REGISTRATION_DENIED, REGISTRATION_PENDING when time is up, and what trying again cannot mend
 */
export async function waitForApproval(
  outside: VisitOutside & RetryOutside,
  wait: ApprovalWait,
  first: Attested,
): Promise<Attested> {
  const { machine } = first.admission;
  wait.onEvent({
    kind: "pending",
    machine: `${machine.namespace}/${machine.name}`,
    approve: approveCommand(machine),
  });
  let attested = first;
  let delayMs = askDelayMs(first.admission.nextAskInSeconds, outside.random());
  for (let failures = 0; ;) {
    if (outside.nowMs() + delayMs > wait.endMs) refuseUnlessApproved("Pending", machine);
    await sleep(outside, delayMs, wait.signal);
    try {
      const next = await askOnce(outside, wait, attested);
      if (next.approval === "Denied") refuseUnlessApproved(next.approval, machine);
      // Pending again where somebody changed his mind in between.
      if (next.approval === "Approved" || next.renew) attested = await wait.attest();
      if (attested.admission.approval !== "Pending") return attested;
      delayMs = askDelayMs(next.nextAskInSeconds, outside.random());
      failures = 0;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      failures++;
      const again = retryDelayMs(error.retry, failures, outside.random());
      if (again === undefined) throw error;
      wait.onEvent({ kind: "retry", error, delayMs: again });
      delayMs = again;
    }
  }
}

interface Asked {
  readonly approval: Approval;
  readonly nextAskInSeconds: number;
  /** The session is over. */
  readonly renew: boolean;
}

async function askOnce(outside: VisitOutside & RetryOutside, wait: ApprovalWait, attested: Attested): Promise<Asked> {
  const { nextAskInSeconds } = attested.admission;
  const over: Asked = { approval: "Pending", nextAskInSeconds, renew: true };
  if (outside.nowMs() > attested.sessionEndMs - SESSION_MARGIN_MS) return over;
  try {
    const state = await askMachine(outside, wait.visit, attested);
    return { ...state, renew: false };
  } catch (error) {
    if (isSessionOver(error)) return over;
    throw error;
  }
}

/** Whether another attestation may help: the session ended, or the server has another key than when it began. */
export function isSessionOver(error: unknown): boolean {
  if (!(error instanceof RegistrationError)) return false;
  if (error.code === "REGISTRATION_SERVER_KEY_CHANGED") return true;
  return error.details?.["status"] === SESSION_OVER;
}

async function askMachine(
  outside: VisitOutside,
  visit: Visit,
  { admission, route, peerSpki }: Attested,
): Promise<{ readonly approval: Approval; readonly nextAskInSeconds: number }> {
  const { server, proxy, ca } = route;
  const connection = outside.connectServer({ url: server.url, proxy, ca }, peerSpki);
  try {
    const answer = await visit.startCourse().run("approval", (signal) =>
      connection.send({
        method: "GET",
        url: attestationEndpoints(server.url).machine,
        headers: { authorization: `Bearer ${admission.session.token}`, accept: "application/json" },
        body: Buffer.alloc(0),
        maxBodyBytes: RESPONSE_MAX_BYTES + 1,
        signal,
      }),
    );
    return readProtocolAnswer(answer, readMachineState, {
      server,
      step: "approval",
      isFirst: false,
      nowMs: outside.nowMs(),
    });
  } finally {
    connection.close();
  }
}

async function sleep(outside: RetryOutside, delayMs: number, signal: AbortSignal): Promise<void> {
  await outside.sleep(delayMs, signal).catch((cause: unknown) => {
    throw new RegistrationError("REGISTRATION_INTERRUPTED", "the waiting for approval was broken off", { cause });
  });
}
