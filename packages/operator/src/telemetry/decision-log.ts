/** The one place where a decision about a machine is made known: audit log, metric, Event. */
import {
  UNKNOWN_REASON,
  type Decision,
  type DecisionKind,
  type DecisionProtocol,
  type DecisionReason,
  type ObjectReference,
} from "./decision.ts";
import type { EventFact } from "./event-object.ts";
import type { EventRecorder } from "./event-recorder.ts";
import type { Log } from "./io/log.ts";

/** Labels of rancheros_decisions_total; each from a closed set. */
export interface DecisionLabels {
  readonly decision: DecisionKind;
  readonly reason: string;
  readonly protocol: DecisionProtocol;
}

/** The one thing about a machine's return that is worth an Event. */
const CERTIFICATE_RECORDED = "MACHINE_CERTIFICATE_RECORDED" satisfies DecisionReason;

export interface DecisionLog {
  /** Never throws, and never waits. */
  decide(decision: Decision): void;
}

export interface DecisionLogParts {
  readonly log: Log;
  /** All reasons that there are; another one is counted as INTERNAL. */
  readonly reasons: ReadonlySet<string>;
  readonly count: (labels: DecisionLabels, durationMs: number | undefined) => void;
  readonly events: Pick<EventRecorder, "record">;
}

const SENTENCES: Readonly<Record<DecisionKind, string>> = {
  admitted: "machine admitted",
  known: "machine served",
  pending: "machine waits for approval",
  refused: "machine refused",
  left: "machine left",
};

function pathOf(object: ObjectReference | undefined): string | undefined {
  return object === undefined ? undefined : `${object.namespace}/${object.name}`;
}

/** A machine may send very many. */
const KEYS_SHOWN = 8;

function keysOf({ notAccepted = [] }: Decision): string | undefined {
  if (notAccepted.length === 0) return undefined;
  const shown = notAccepted.slice(0, KEYS_SHOWN).join(", ");
  return notAccepted.length > KEYS_SHOWN ? `${shown} and ${notAccepted.length - KEYS_SHOWN} more` : shown;
}

/** @returns nothing where the machine got all that it wished for */
function wishesOf(decision: Decision): string {
  const keys = keysOf(decision);
  const why = "acceptedLabels and acceptedAnnotations of its MachineRegistration do not name them";
  return keys === undefined ? "" : `; its wishes for ${keys} are not accepted: ${why}`;
}

function noteOf(decision: Decision): string {
  const { kind, sentence, ekHash, remote } = decision;
  const who = [
    ...(ekHash === undefined ? [] : [`endorsement key ${ekHash}`]),
    ...(remote === undefined ? [] : [`from ${remote}`]),
  ].join(", ");
  const what = sentence === undefined ? SENTENCES[kind] : `${SENTENCES[kind]}: ${sentence}`;
  return `${who === "" ? what : `${what} (${who})`}${wishesOf(decision)}`;
}

/** What is worth an Event: of a machine's return nobody needs to be told, and of who left nothing is known. */
function eventOf(decision: Decision): EventFact | undefined {
  const { kind, reason, registration, inventory } = decision;
  const fact = { reason, note: noteOf(decision) };
  if (kind === "admitted" || kind === "pending") {
    if (inventory === undefined) return undefined;
    const action = kind === "admitted" ? "Admit" : "Wait";
    return { ...fact, regarding: { ...inventory, kind: "MachineInventory" }, type: "Normal", action };
  }
  if (reason === CERTIFICATE_RECORDED && inventory !== undefined) {
    return { ...fact, regarding: { ...inventory, kind: "MachineInventory" }, type: "Normal", action: "Record" };
  }
  if (kind !== "refused") return undefined;
  if (inventory !== undefined) {
    return { ...fact, regarding: { ...inventory, kind: "MachineInventory" }, type: "Warning", action: "Refuse" };
  }
  if (registration === undefined) return undefined;
  return { ...fact, regarding: { ...registration, kind: "MachineRegistration" }, type: "Warning", action: "Refuse" };
}

export function createDecisionLog(parts: DecisionLogParts): DecisionLog {
  const { log, reasons } = parts;
  return {
    decide(decision) {
      const { kind, protocol, reason, sentence, durationMs } = decision;
      const fields = {
        remote: decision.remote,
        endpoint: decision.endpoint,
        protocol,
        ekHash: decision.ekHash,
        akName: decision.akName,
        registration: pathOf(decision.registration),
        inventory: pathOf(decision.inventory),
        notAccepted: keysOf(decision),
        status: decision.status,
        durationMs: durationMs === undefined ? undefined : Math.round(durationMs),
        result: kind,
        reason,
        error: sentence,
      };
      if (kind === "refused") log.warn(SENTENCES[kind], fields);
      else log.info(SENTENCES[kind], fields);
      parts.count({ decision: kind, reason: reasons.has(reason) ? reason : UNKNOWN_REASON, protocol }, durationMs);
      const fact = eventOf(decision);
      if (fact !== undefined) parts.events.record(fact);
    },
  };
}
