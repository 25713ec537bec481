/** One machine, and an API server that keeps its inventory and takes anything, as under the CRD of a newer chart. */
import { KubeConfig } from "@kubernetes/client-node";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import { parseMachineInventory } from "@rancheros/protocol/resources";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { inventoryEntry } from "../../../src/inventory/inventory-entry.ts";
import { machineRecords, type MachineProof } from "../../../src/inventory/index.ts";
import { VirtualTime } from "../rollout/virtual-time.ts";
import { isJson, merged, type Json } from "./stored-inventory.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
export const PLAN = "ef".repeat(32);

/**
 * @param metadata  beside its names
 * @param how       isStrict: the API server takes nothing in which our CRD finds anything bad, changed or not
 */
export function machineScene(
  status: object | undefined,
  spec: object = {},
  metadata: object = {},
  how: { readonly isStrict: boolean } = { isStrict: false },
) {
  const time = new VirtualTime();
  const named = { ...metadata, name: "m1", namespace: "fleet-default", uid: "u1", resourceVersion: "1" };
  const rest = { spec: { tpm: "ab".repeat(32), ...spec }, ...(status === undefined ? {} : { status }) };
  let object: Json = { metadata: named, ...rest };
  let reads = 0;
  let writes = 0;
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    open: () => Promise.reject(new Error("nobody watches")),
    async send({ method, body }) {
      if (method === "GET") {
        reads += 1;
        return object;
      }
      const next = merged(object, body);
      if (how.isStrict && !parseMachineInventory(next).ok) throw new KubernetesError("KUBERNETES_REFUSED", "invalid");
      writes += 1;
      if (isJson(next)) object = next;
      return object;
    },
  };
  const entry = () => {
    const seen = inventoryEntry(object);
    if (seen === undefined) throw new Error("it is an inventory");
    return seen;
  };
  const records = machineRecords(kubernetes, {
    upgradingCount: () => 1,
    log: SILENT,
    nowMs: () => time.nowMs,
    random: () => 0.5,
    setTimer: time.setTimer,
  });
  const proof = (more: Partial<MachineProof> = {}): MachineProof => ({
    trust: "none",
    root: undefined,
    certificateSha256: undefined,
    challenge: { issuedAtMs: time.nowMs, id: "0".repeat(32) },
    protocol: 2,
    ekHash: "ab".repeat(32),
    report: undefined,
    isRegistration: false,
    ...more,
  });
  return {
    kubernetes,
    entry,
    counts: () => ({ reads, writes }),
    status: () => object["status"],
    metadata: () => object["metadata"],
    prove: (more?: Partial<MachineProof>) => records.prove({ entry: entry(), made: false }, proof(more)),
    report: (report: object) =>
      records.report(entry(), { ...EMPTY_REPORT, ...report }, { labels: {}, annotations: {} }),
    say: (word: Partial<UpgradeStatus>) => {
      const about = { protocol: 2, plan: PLAN, image: "os", attempt: 3, digest: undefined, bootId: "b1" };
      const said = { ...about, phase: "Draining", reason: undefined, message: undefined, ...word } as const;
      return records.upgrade(entry(), said, 450_000);
    },
    shows: (certificateSha256: string | undefined, root?: string) =>
      records.proveCertificate(
        { entry: entry(), made: false },
        { trust: certificateSha256 === undefined ? "none" : "hardware", root, certificateSha256 },
      ),
  };
}
