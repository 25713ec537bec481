/** What a machine is told about itself: the answer of /v1-rancheros/inventory. */
import type { MachineInventoryConfig, NodeTaint } from "@rancheros/protocol/resources";
import { textsOf } from "@rancheros/protocol/templates";
import { goStructJson } from "../rancherd/index.ts";

const KNOWN = new Set(["role", "nodeName", "address", "internalAddress", "labels", "taints", "token"]);

/** `key=value:effect` as kubelet's and rancherd's flags take it. */
function taintText(taint: NodeTaint): string {
  const value = taint.value === undefined || taint.value === "" ? "" : `=${taint.value}`;
  return `${taint.key}${value}:${taint.effect}`;
}

function orNothing(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function listOrNothing(items: readonly string[]): readonly string[] | undefined {
  return items.length === 0 ? undefined : items;
}

/**
 * One JSON object and a newline, fields in the original's order, empty ones left out. Taints are taints here: the
 * original put them among the labels. Other fields of `config` follow, since the document calls it arbitrary.
 * @param clusterToken  token of the machine's ClusterRegistrationToken
 * Source: rancher/os2 pkg/server/server.go; operator document, MachineInventory.spec.config
 */
export function inventoryAnswer(config: MachineInventoryConfig | null | undefined, clusterToken: string): string {
  const given = config ?? {};
  const others = Object.entries(given).filter(([key, value]) => !KNOWN.has(key) && value !== null);
  const labels = Object.entries(textsOf(given.labels)).map(([key, value]) => `${key}=${value}`);
  return goStructJson({
    role: orNothing(given.role),
    nodeName: orNothing(given.nodeName),
    address: orNothing(given.address),
    internalAddress: orNothing(given.internalAddress),
    taints: listOrNothing((given.taints ?? []).map(taintText)),
    labels: listOrNothing(labels.sort()),
    token: clusterToken,
    ...Object.fromEntries(others),
  });
}
