/** What a machine does with its session: asks how it stands, and reports. */
import { PROTOCOL_VERSION, readMachineReport, writeMachineState, type Approval } from "@rancheros/protocol/attestation";
import { approvalOf, type InventoryEntry } from "../inventory/index.ts";
import { openSession, SealError } from "../session/index.ts";
import { authorizationOf } from "./authorization.ts";
import { chosenBy } from "./door.ts";
import { SessionError } from "./errors.ts";
import { nextAskInSeconds, type ProtocolParts, type Trace } from "./protocol-parts.ts";
import { within } from "./session-gate.ts";

/** A machine with a session. */
export interface MachineSession {
  readonly entry: InventoryEntry;
  /** What answers are sealed with that only the machine is to read. */
  readonly sealKey: Buffer;
}

/**
 * The machine whose session this is. Its inventory is asked each time: who deletes or denies it ends the session.
 * @throws SessionError AUTHORIZATION_MISSING, MACHINE_DENIED; SealError SESSION_INVALID, SESSION_EXPIRED
 */
async function machineOf(
  parts: ProtocolParts,
  authorization: string | undefined,
  trace: Trace,
): Promise<MachineSession> {
  const given = authorizationOf(authorization);
  if (given.kind !== "bearer") throw new SessionError("AUTHORIZATION_MISSING", "Unauthorized");
  const subject = await openSession(parts.keys, given.value, parts.nowMs());
  trace.ekHash = subject.ekHash;
  const entry = parts.inventories.withEndorsementKey(subject.ekHash).find((one) => one.metadata.uid === subject.uid);
  if (entry === undefined || entry.beingDeleted) {
    throw new SealError("SESSION_INVALID", "the machine of this session is gone, register again");
  }
  const { namespace, name, uid } = entry.metadata;
  trace.inventory = { namespace, name, uid };
  if (entry.approval === "Denied") throw new SessionError("MACHINE_DENIED", "this machine was denied");
  return { entry, sealKey: subject.sealKey };
}

/**
 * Does something for the machine of a session, in one of the places that there are for those.
 * @throws as machineOf; SessionError SESSION_TOO_MANY; what the work throws
 */
export async function inSession<Result>(
  parts: ProtocolParts,
  authorization: string | undefined,
  trace: Trace,
  work: (session: MachineSession) => Promise<Result>,
): Promise<Result> {
  const session = await machineOf(parts, authorization, trace);
  return within(parts.gates.sessions, () => work(session));
}

/** The registration that the machine came through, while there is one of that name. */
function registrationOf(parts: ProtocolParts, { metadata, registrationName }: InventoryEntry) {
  return registrationName === undefined
    ? undefined
    : parts.registrations.get(`${metadata.namespace}/${registrationName}`);
}

function stateOf(parts: ProtocolParts, entry: InventoryEntry, approval: Approval): Buffer {
  const { namespace, name, uid } = entry.metadata;
  const registration = registrationOf(parts, entry);
  return writeMachineState({
    protocol: PROTOCOL_VERSION,
    machine: { namespace, name, uid },
    approval,
    nextAskInSeconds: nextAskInSeconds(approval, registration, parts.inventories.pendingCount, parts.random),
  });
}

/** GET machine */
export async function showMachine(
  parts: ProtocolParts,
  authorization: string | undefined,
  trace: Trace,
): Promise<Buffer> {
  const { entry } = await machineOf(parts, authorization, trace);
  parts.pace.takeAsk(entry.metadata.uid);
  return stateOf(parts, entry, entry.approval);
}

/** PUT report */
export async function takeReport(
  parts: ProtocolParts,
  authorization: string | undefined,
  body: Buffer,
  trace: Trace,
): Promise<Buffer> {
  return inSession(parts, authorization, trace, async ({ entry }) => {
    parts.pace.takeWord(entry.metadata.uid);
    const report = readMachineReport(body);
    const chosen = chosenBy(registrationOf(parts, entry), report);
    trace.notAccepted = chosen.notAccepted;
    const inventory = await parts.records.report(entry, report, chosen);
    const approval = approvalOf(inventory.spec.approval);
    if (approval === "Denied") throw new SessionError("MACHINE_DENIED", "this machine was denied");
    trace.outcome = { kind: approval === "Pending" ? "pending" : "known", reason: "MACHINE_REPORTED" };
    return stateOf(parts, entry, approval);
  });
}
