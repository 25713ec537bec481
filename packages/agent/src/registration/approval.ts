/** Waiting for somebody to approve this machine: asked at the server's pace, in a session that is renewed as it ends. */
import { readMachineState, type Admission, type Approval } from "@rancheros/protocol/attestation";
import { isCodedError } from "@rancheros/protocol/errors";

import { RegistrationError } from "./errors.ts";
import type { RegistrationEvent } from "./register.ts";
import { retryDelayMs, type RetryOutside } from "./retry.ts";
import type { SessionKeeper } from "./session-keeper.ts";

const SHORTEST_ASK_MS = 1_000;
const LONGEST_ASK_MS = 10 * 60_000;
/** RFC 1123 subdomain: what Kubernetes allows as a name, and what is safe in a command line. */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

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
  /** Of sessions that are attested for through the registration: each may be the one that brings the config. */
  readonly keeper: SessionKeeper;
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
  outside: RetryOutside,
  wait: ApprovalWait,
  { machine, nextAskInSeconds }: Admission,
): Promise<Admission> {
  const { keeper, signal, endMs, onEvent } = wait;
  onEvent({ kind: "pending", machine: `${machine.namespace}/${machine.name}`, approve: approveCommand(machine) });
  let delayMs = askDelayMs(nextAskInSeconds, outside.random());
  for (let failures = 0; ;) {
    if (outside.elapsedMs() + delayMs > endMs) refuseUnlessApproved("Pending", machine);
    await sleep(outside, delayMs, signal);
    try {
      const asked = await askOnce(keeper);
      if (asked.approval === "Denied") refuseUnlessApproved(asked.approval, machine);
      if (asked.admission !== undefined) return asked.admission;
      delayMs = askDelayMs(asked.nextAskInSeconds, outside.random());
      failures = 0;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      failures++;
      const again = retryDelayMs(error.retry, failures, outside.random());
      if (again === undefined) throw error;
      onEvent({ kind: "retry", error, delayMs: again });
      delayMs = again;
    }
  }
}

interface Asked {
  readonly approval: Approval;
  readonly nextAskInSeconds: number;
  /** Of a machine that is approved. */
  readonly admission?: Admission;
}

async function askOnce(keeper: SessionKeeper): Promise<Asked> {
  const asked = await keeper.with(async (session): Promise<Asked> => {
    // Renewed, and let in by that.
    if (session.admission.approval !== "Pending") return admitted(session.admission);
    return session.ask({ method: "GET", endpoint: "machine", step: "approval" }, readMachineState);
  });
  if (asked.approval !== "Approved" || asked.admission !== undefined) return asked;
  // Only an attestation brings the config. Pending again where somebody changed his mind in between.
  return admitted((await keeper.renew()).admission);
}

function admitted(admission: Admission): Asked {
  const { approval, nextAskInSeconds } = admission;
  return { approval, nextAskInSeconds, ...(approval === "Approved" ? { admission } : {}) };
}

async function sleep(outside: RetryOutside, delayMs: number, signal: AbortSignal): Promise<void> {
  await outside.sleep(delayMs, signal).catch((cause: unknown) => {
    throw new RegistrationError("REGISTRATION_INTERRUPTED", "the waiting for approval was broken off", { cause });
  });
}
