/**
 * Leader election by a Lease, with client-go's semantics and times: who holds the lease renews it, and stops acting once
 * that has not succeeded for so long; who does not waits until the lease has not changed for longer than that. Nobody
 * compares clocks: each measures by its own how long ago it saw a change.
 * Source: k8s.io/client-go/tools/leaderelection
 */
import { hasCode } from "@rancheros/protocol/errors";
import { errorFields, type Log } from "../telemetry/index.ts";
import { unlessEmptied, givenBack, heldBy, type LeaseRecord, type StoredLease } from "./lease-record.ts";

/** client-go's defaults. A leader acts for at most RENEW_DEADLINE_MS after it asked for its last renewal. */
export const LEASE_DURATION_MS = 15_000;
export const RENEW_DEADLINE_MS = 10_000;
export const RETRY_PERIOD_MS = 2_000;
const JITTER_FACTOR = 1.2;
/** Of one request: there must be time for another one before the deadline. */
export const LEASE_REQUEST_TIMEOUT_MS = 4_000;

/** The Lease at the API server; conflicts and absence are answers, all else is thrown. */
export interface LeaseStore {
  read(): Promise<StoredLease | undefined>;
  /** @returns undefined where somebody else was faster */
  create(record: LeaseRecord): Promise<StoredLease | undefined>;
  /** @returns undefined where somebody else was faster */
  update(record: LeaseRecord, resourceVersion: string): Promise<StoredLease | undefined>;
}

export interface ElectionParts {
  readonly store: LeaseStore;
  /** Nobody else's. */
  readonly identity: string;
  /** Of a clock that never goes back. */
  readonly steadyMs: () => number;
  /** Since the epoch; for people who read the Lease. */
  readonly nowMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  /** Settles after the delay, or when the signal is aborted. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export interface Election {
  /** True until so long after the last renewal was asked for: to be looked at right before each act. */
  isLeader(): boolean;
  /** For how long it is still true; 0 where it is not. */
  leadsForMs(): number;
  /** Called each time when this replica begins to lead; also at once where it does. */
  onLeading(begin: () => void): void;
  /**
   * Leads no more from this call on; settles when the lease is given back, or could not be.
   * @param settled  settles when nothing that was begun as leader is under way; false: the lease is not given back
   */
  stop(settled?: () => Promise<boolean>): Promise<void>;
}

export function startElection(parts: ElectionParts): Election {
  const { store, identity, steadyMs, nowMs, random, log } = parts;
  const ended = new AbortController();
  const listeners: (() => void)[] = [];
  /** The lease as it was seen last, and when it was first seen so. */
  let seen: StoredLease | undefined;
  let seenAtMs = Number.NEGATIVE_INFINITY;
  let leadsUntilMs = Number.NEGATIVE_INFINITY;
  let trouble = "";
  /** Version of the lease of which was said that nobody renews it. */
  let toldStill = "";
  /** What was said last. */
  let isTold = false;

  function isLeader(): boolean {
    return !ended.signal.aborted && steadyMs() < leadsUntilMs;
  }

  function see(lease: StoredLease): void {
    if (seen?.resourceVersion !== lease.resourceVersion) seenAtMs = steadyMs();
    seen = lease;
  }

  function isHeldByAnother(lease: StoredLease): boolean {
    return lease.holder !== "" && lease.holder !== identity && steadyMs() < seenAtMs + lease.durationMs;
  }

  /** As in client-go, a lease lasts as long as it says, which somebody may have made an hour: whoever waits says so, once. */
  function tellStill(lease: StoredLease): void {
    const stillMs = steadyMs() - seenAtMs;
    if (stillMs <= LEASE_DURATION_MS || toldStill === lease.resourceVersion) return;
    toldStill = lease.resourceVersion;
    const leftSeconds = Math.ceil((lease.durationMs - stillMs) / 1_000);
    log.warn("who holds the Lease of the leader does not renew it, and is waited for as long as it says", {
      leader: lease.holder,
      durationSeconds: lease.durationMs / 1_000,
      leftSeconds,
    });
  }

  /** @returns whether the lease is ours as of now */
  async function acquireOrRenew(): Promise<boolean> {
    if (seen?.holder === identity) {
      // Nobody else writes it while we renew in time: one request instead of two.
      const renewed = await store.update(heldBy(identity, seen, LEASE_DURATION_MS, nowMs()), seen.resourceVersion);
      if (renewed !== undefined) {
        see(renewed);
        return true;
      }
    }
    const stands = await store.read();
    const found = stands === undefined ? undefined : unlessEmptied(stands, seen);
    if (found !== undefined) {
      see(found);
      if (isHeldByAnother(found)) {
        tellStill(found);
        return false;
      }
    }
    const record = heldBy(identity, found, LEASE_DURATION_MS, nowMs());
    const stored = await (found === undefined ? store.create(record) : store.update(record, found.resourceVersion));
    if (stored === undefined) return false;
    see(stored);
    return true;
  }

  async function attempt(): Promise<void> {
    // From before the request: whoever sees the renewal sees it later than that.
    const askedAtMs = steadyMs();
    const isOurs = await acquireOrRenew();
    tellLoss();
    leadsUntilMs = isOurs ? askedAtMs + RENEW_DEADLINE_MS : Number.NEGATIVE_INFINITY;
    tellLoss();
    if (!isTold && isLeader()) {
      isTold = true;
      log.info("this replica leads", { identity, transitions: seen?.transitions });
      for (const begin of listeners) begin();
    }
    trouble = "";
  }

  /** Whoever was leader for a moment less than all the time may have left something undone: it begins anew. */
  function tellLoss(): void {
    if (!isTold || isLeader()) return;
    isTold = false;
    log.warn("this replica leads no more", { leader: seen?.holder });
  }

  async function run(): Promise<void> {
    while (!ended.signal.aborted) {
      try {
        await attempt();
      } catch (error) {
        const fields = errorFields(error);
        // Each kind of trouble once: it is tried again every two seconds.
        if (fields.reason !== trouble) log.warn("cannot renew or take the Lease of the leader", fields);
        trouble = fields.reason;
        tellLoss();
      }
      const jitter = isLeader() ? 1 : 1 + random() * JITTER_FACTOR;
      await parts.sleep(RETRY_PERIOD_MS * jitter, ended.signal);
    }
  }
  const running = run();

  return {
    isLeader,
    leadsForMs: () => (isLeader() ? leadsUntilMs - steadyMs() : 0),
    onLeading(begin) {
      listeners.push(begin);
      if (isLeader()) begin();
    },
    async stop(settled = async () => true) {
      const wasHolder = steadyMs() < leadsUntilMs;
      ended.abort();
      await running;
      if (!(await settled()) || !wasHolder || seen?.holder !== identity) return;
      try {
        await store.update(givenBack(seen, nowMs()), seen.resourceVersion);
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_NOT_FOUND")) log.debug("the Lease was not given back", errorFields(error));
      }
    },
  };
}

/** Where there is one replica only: it leads as long as it runs. */
export function alwaysLeading(): Election {
  let isStopped = false;
  return {
    isLeader: () => !isStopped,
    leadsForMs: () => (isStopped ? 0 : Number.POSITIVE_INFINITY),
    onLeading: (begin) => begin(),
    async stop() {
      isStopped = true;
    },
  };
}
