/** A Lease of coordination.k8s.io/v1, as client-go's leader election reads and writes it. */

export interface LeaseRecord {
  /** "" where the last leader has given it back. */
  readonly holder: string;
  readonly durationMs: number;
  /** Of the present holder; RFC 3339 with microseconds. */
  readonly acquireTime: string;
  readonly renewTime: string;
  /** How often the holder has changed. */
  readonly transitions: number;
}

export interface StoredLease extends LeaseRecord {
  readonly resourceVersion: string;
}

/** Kubernetes' MicroTime, which takes six digits and no other number of them. */
function microTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace("Z", "000Z");
}

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function textAt(holder: unknown, key: string): string {
  const value = child(holder, key);
  return typeof value === "string" ? value : "";
}

function numberAt(holder: unknown, key: string): number {
  const value = child(holder, key);
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

/** Longer than any operator asks for: what says so was written by hand. */
const LONGEST_SECONDS = 3_600;

/** Kubernetes keeps the count as an int32, and refuses a Lease with a larger one: then it begins anew. */
const TRANSITIONS_MAX = 2 ** 31 - 1;

function oneMore(transitions: number): number {
  return transitions < TRANSITIONS_MAX ? transitions + 1 : 0;
}

/**
 * Reads what the API server answers. What is missing or nonsense is as if nobody had written it: a Lease that somebody
 * edited must not keep everybody from leading.
 * @param fallbackMs  how long a lease lasts that does not say it
 */
export function storedLease(object: unknown, fallbackMs: number): StoredLease | undefined {
  const metadata = child(object, "metadata");
  const resourceVersion = textAt(metadata, "resourceVersion");
  if (resourceVersion === "") return undefined;
  const spec = child(object, "spec");
  const seconds = numberAt(spec, "leaseDurationSeconds");
  return {
    resourceVersion,
    holder: textAt(spec, "holderIdentity"),
    durationMs: seconds === 0 || seconds > LONGEST_SECONDS ? fallbackMs : seconds * 1_000,
    acquireTime: textAt(spec, "acquireTime"),
    renewTime: textAt(spec, "renewTime"),
    transitions: Math.floor(numberAt(spec, "leaseTransitions")),
  };
}

/** As the API server has it. */
export function leaseSpec(record: LeaseRecord): object {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: Math.max(1, Math.round(record.durationMs / 1_000)),
    acquireTime: record.acquireTime,
    renewTime: record.renewTime,
    leaseTransitions: record.transitions,
  };
}

function transitionsAfter(identity: string, before: StoredLease | undefined): number {
  if (before === undefined) return 0;
  return before.holder === identity ? before.transitions : oneMore(before.transitions);
}

/** What the candidate writes: it goes on holding the lease, or takes it from whoever had it. */
export function heldBy(
  identity: string,
  before: StoredLease | undefined,
  durationMs: number,
  nowMs: number,
): LeaseRecord {
  const renewTime = microTime(nowMs);
  const isOurs = before?.holder === identity && before.acquireTime !== "";
  return {
    holder: identity,
    durationMs,
    acquireTime: isOurs ? before.acquireTime : renewTime,
    renewTime,
    transitions: transitionsAfter(identity, before),
  };
}

/**
 * Emptied, as by `helm upgrade --force`, a lease is still that of who was seen holding it: that one leads, and need not know of
 * it yet. Given back, it has times.
 * @param found  the lease as it is now
 * @param seen  as it was seen before that
 */
export function unlessEmptied(found: StoredLease, seen: StoredLease | undefined): StoredLease {
  const isEmptied = found.holder === "" && found.renewTime === "";
  return isEmptied && seen !== undefined ? { ...seen, resourceVersion: found.resourceVersion } : found;
}

/** What the holder writes when it goes: as client-go, a lease of nobody that ends in a second. */
export function givenBack(before: StoredLease, nowMs: number): LeaseRecord {
  const now = microTime(nowMs);
  return { holder: "", durationMs: 1_000, acquireTime: now, renewTime: now, transitions: before.transitions };
}
