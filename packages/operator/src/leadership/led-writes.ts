/** The API server for work that only the leader does: who does not lead any more cannot write. */
import type { Kubernetes, KubernetesRequest } from "../controller/index.ts";
import { LeadershipError } from "./errors.ts";
import { LEASE_DURATION_MS, RENEW_DEADLINE_MS, type Election } from "./leader-election.ts";

/** A write that hangs ends before another replica may lead. */
const GRACE_MS = LEASE_DURATION_MS - RENEW_DEADLINE_MS - 1_000;
const DEFAULT_TIMEOUT_MS = 15_000;

export interface LedWrites {
  readonly kubernetes: Kubernetes;
  /** Settles when no write is under way, or with false when that takes longer. */
  settled(deadlineMs: number): Promise<boolean>;
}

/** @param election  asked right before each write */
export function ledWrites(kubernetes: Kubernetes, election: Pick<Election, "leadsForMs">): LedWrites {
  const underWay = new Set<Promise<unknown>>();

  async function write(request: KubernetesRequest): Promise<unknown> {
    const leadsForMs = election.leadsForMs();
    if (leadsForMs === 0) throw new LeadershipError("LEADERSHIP_LOST", "this replica does not lead any more");
    const timeoutMs = Math.min(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, leadsForMs + GRACE_MS);
    const writing = kubernetes.send({ ...request, timeoutMs: Math.ceil(timeoutMs) });
    underWay.add(writing);
    try {
      return await writing;
    } finally {
      underWay.delete(writing);
    }
  }

  return {
    kubernetes: {
      ...kubernetes,
      send: async (request) => (request.method === "GET" ? kubernetes.send(request) : write(request)),
    },
    async settled(deadlineMs) {
      if (underWay.size === 0) return true;
      const { promise: late, resolve } = Promise.withResolvers<false>();
      const timer = setTimeout(() => resolve(false), deadlineMs);
      const all = Promise.allSettled(underWay).then(() => true);
      return Promise.race([all, late]).finally(() => clearTimeout(timer));
    },
  };
}
