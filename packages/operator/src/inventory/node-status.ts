/** What of a machine's word on its node is written into status.node. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import type { MachineInventoryStatus } from "@rancheros/protocol/resources";

type NodeFields = NonNullable<MachineInventoryStatus["node"]>;

/** Labels for a merge patch: null takes away what is not there any more. Undefined where nothing is to be changed. */
function labelChange(
  wanted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> | undefined {
  const gone = Object.keys(present).filter((key) => !Object.hasOwn(wanted, key));
  const isSame = gone.length === 0 && Object.entries(wanted).every(([key, value]) => present[key] === value);
  return isSame ? undefined : { ...Object.fromEntries(gone.map((key) => [key, null])), ...wanted };
}

/**
 * @param node  undefined where the machine is no node, or could not ask: the old stays
 * @returns     the fields that change, for a merge patch; undefined where nothing does
 */
export function nodeStatus(
  node: MachineNode | undefined,
  old: NodeFields | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (node === undefined) return undefined;
  const labels = labelChange(node.labels, old?.labels ?? {});
  const wanted = {
    name: node.name,
    uid: node.uid,
    ready: node.ready,
    unschedulable: node.unschedulable,
    bootID: node.bootId,
    kubeletVersion: node.kubeletVersion,
  };
  const isSame =
    old?.name === wanted.name &&
    old.uid === wanted.uid &&
    old.ready === wanted.ready &&
    old.unschedulable === wanted.unschedulable &&
    old.bootID === wanted.bootID &&
    old.kubeletVersion === wanted.kubeletVersion;
  return isSame && labels === undefined ? undefined : { ...wanted, ...(labels === undefined ? {} : { labels }) };
}
