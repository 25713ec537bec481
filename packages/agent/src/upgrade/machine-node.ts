/** The machine as its cluster's API server knows it. */
import type { MachineNode } from "@rancheros/protocol/attestation";

import { isMap, NodeApiError } from "../kubernetes/index.ts";

/** @param json  a Node. @throws NodeApiError NODE_API_NONSENSE */
export function parseMachineNode(json: unknown): MachineNode {
  const metadata = mapAt(json, "metadata");
  const status = mapAt(json, "status");
  const info = mapAt(status, "nodeInfo");
  const conditions: unknown = status["conditions"];
  const isReady =
    Array.isArray(conditions) &&
    conditions.some((one: unknown) => isMap(one) && one["type"] === "Ready" && one["status"] === "True");
  const { name, uid } = metadata;
  if (typeof name !== "string" || typeof uid !== "string" || name === "" || uid === "") {
    throw new NodeApiError("NODE_API_NONSENSE", "the API server's answer is no node");
  }
  return {
    name,
    uid,
    labels: textsOf(mapAt(metadata, "labels")),
    ready: isReady,
    unschedulable: mapAt(json, "spec")["unschedulable"] === true,
    bootId: textAt(info, "bootID"),
    kubeletVersion: textAt(info, "kubeletVersion"),
  };
}

function mapAt(json: unknown, field: string): Readonly<Record<string, unknown>> {
  const value: unknown = isMap(json) ? json[field] : undefined;
  return isMap(value) ? value : {};
}

function textAt(map: Readonly<Record<string, unknown>>, field: string): string {
  const value = map[field];
  return typeof value === "string" ? value : "";
}

function textsOf(map: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts = Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(texts);
}
