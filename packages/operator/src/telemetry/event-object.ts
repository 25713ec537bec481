/** Events of events.k8s.io/v1: what `kubectl describe` and `kubectl events` show of a decision. */
import type { ObjectReference } from "./decision.ts";

/** Limits of the API server's validation. */
const NOTE_MAX_BYTES = 1_024;
const INSTANCE_MAX = 128;
/** An Event's name is that of its object, a dot and 16 digits: 253 in all. */
const NAME_MAX = 236;
const CONTROLLER = "rancheros.cattle.io/operator";

export interface EventFact {
  readonly regarding: ObjectReference & {
    readonly kind: "MachineInventory" | "MachineRegistration" | "ManagedOSImage" | "ManagedOSVersionChannel";
  };
  readonly type: "Normal" | "Warning";
  readonly action: string;
  readonly reason: string;
  /** For people. Another text is another Event, up to ten of one object and reason; see event-series.ts. */
  readonly note: string;
}

function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  // What is left of a character that was cut through reads as U+FFFD, of three bytes.
  return bytes.subarray(0, limit - 3).toString();
}

/** Kubernetes' MicroTime, which takes six digits and no other number of them. */
export function microTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace("Z", "000Z");
}

export function eventsPath(namespace: string, name?: string): string {
  const collection = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`;
  return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`;
}

/** @param unique  16 hex digits */
export function eventName(fact: EventFact, unique: string): string {
  return `${fact.regarding.name.slice(0, NAME_MAX).replace(/[^a-z0-9]+$/, "")}.${unique}`;
}

/**
 * @param count     how often it has happened; from two on the Event is a series
 * @param instance  which operator says so: its pod, or its host
 */
export function eventObject(
  fact: EventFact,
  name: string,
  count: number,
  when: { readonly firstMs: number; readonly lastMs: number },
  instance: string,
): object {
  const { namespace, name: object, uid, kind } = fact.regarding;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace },
    eventTime: microTime(when.firstMs),
    reportingController: CONTROLLER,
    reportingInstance: instance.slice(0, INSTANCE_MAX),
    action: fact.action,
    reason: fact.reason,
    type: fact.type,
    regarding: {
      apiVersion: "rancheros.cattle.io/v1",
      kind,
      namespace,
      name: object,
      ...(uid === undefined ? {} : { uid }),
    },
    note: cutToBytes(fact.note, NOTE_MAX_BYTES),
    ...(count > 1 ? seriesPatch(count, when.lastMs) : {}),
  };
}

/** All that may be changed of an Event. */
export function seriesPatch(count: number, lastMs: number): { readonly series: object } {
  return { series: { count, lastObservedTime: microTime(lastMs) } };
}
