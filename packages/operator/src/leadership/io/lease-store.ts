/** The Lease of the leader at the API server. */
import { hasCode } from "@rancheros/protocol/errors";
import { KubernetesError, readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { LEASE_DURATION_MS, LEASE_REQUEST_TIMEOUT_MS, type LeaseStore } from "../leader-election.ts";
import { leaseSpec, storedLease, type StoredLease } from "../lease-record.ts";

function stored(object: unknown): StoredLease {
  const lease = storedLease(object, LEASE_DURATION_MS);
  if (lease === undefined) throw new KubernetesError("KUBERNETES_NONSENSE", "what was answered is no Lease");
  return lease;
}

/** What somebody else was faster with is no error. */
async function unlessRaced(writing: Promise<unknown>): Promise<StoredLease | undefined> {
  try {
    return stored(await writing);
  } catch (error) {
    const raced = ["KUBERNETES_ALREADY_EXISTS", "KUBERNETES_CONFLICT", "KUBERNETES_NOT_FOUND"];
    if (raced.some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}

export function leaseStore(kubernetes: Kubernetes, namespace: string, name: string): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const timeoutMs = LEASE_REQUEST_TIMEOUT_MS;
  return {
    async read() {
      const found = await readOrNothing(kubernetes, `${collection}/${name}`, timeoutMs);
      return found === undefined ? undefined : stored(found);
    },
    create: (record) =>
      unlessRaced(
        kubernetes.send({
          method: "POST",
          path: collection,
          body: {
            apiVersion: "coordination.k8s.io/v1",
            kind: "Lease",
            metadata: { name, namespace },
            spec: leaseSpec(record),
          },
          timeoutMs,
        }),
      ),
    update: (record, resourceVersion) =>
      unlessRaced(
        kubernetes.send({
          method: "PATCH",
          path: `${collection}/${name}`,
          contentType: "application/merge-patch+json",
          // The labels of whoever made it, such as the chart's, are to stay.
          body: { metadata: { resourceVersion }, spec: leaseSpec(record) },
          timeoutMs,
        }),
      ),
  };
}
