/** A pod of a node: as much of it as a drain has to know. */
import { NodeApiError, isMap } from "../kubernetes/index.ts";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export interface NodePod extends PodName {
  readonly uid: string;
  /** Pending, Running, Succeeded, Failed or Unknown; empty where there is no status yet. */
  readonly phase: string;
  /** Until when it is to have ended, milliseconds since 1970; undefined where nobody deleted it. */
  readonly deletionMs: number | undefined;
  /** Shown by the kubelet in place of a file on the node. */
  readonly isMirror: boolean;
  readonly hasEmptyDir: boolean;
  /** The one owner that controls it. */
  readonly controller: PodController | undefined;
}

export interface PodController {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** The name alone, for events and reports. */
export function nameOf({ namespace, name }: PodName): PodName {
  return { namespace, name };
}

const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** @throws NodeApiError NODE_API_NONSENSE with the field that is missing */
export function parseNodePod(pod: unknown): NodePod {
  const metadata = parsePodMetadata(pod);
  const raw = isMap(pod) && isMap(pod["metadata"]) ? pod["metadata"] : {};
  const spec = isMap(pod) && isMap(pod["spec"]) ? pod["spec"] : {};
  const status = isMap(pod) && isMap(pod["status"]) ? pod["status"] : {};
  const annotations = isMap(raw["annotations"]) ? raw["annotations"] : {};
  return {
    ...metadata,
    phase: typeof status["phase"] === "string" ? status["phase"] : "",
    isMirror: Object.hasOwn(annotations, MIRROR_ANNOTATION),
    hasEmptyDir: maps(spec["volumes"]).some((volume) => isMap(volume["emptyDir"])),
    controller: controllerOf(maps(raw["ownerReferences"])),
  };
}

/** What a list of metadata alone tells of a pod. */
export type PodMetadata = Pick<NodePod, "namespace" | "name" | "uid" | "deletionMs">;

/** @throws NodeApiError NODE_API_NONSENSE */
export function parsePodMetadata(pod: unknown): PodMetadata {
  const metadata = isMap(pod) ? pod["metadata"] : undefined;
  if (!isMap(metadata)) throw nonsense("metadata");
  const { namespace, name, uid, deletionTimestamp } = metadata;
  if (typeof namespace !== "string") throw nonsense("metadata.namespace");
  if (typeof name !== "string") throw nonsense("metadata.name");
  if (typeof uid !== "string") throw nonsense("metadata.uid");
  const deletionMs = typeof deletionTimestamp === "string" ? Date.parse(deletionTimestamp) : undefined;
  if (Number.isNaN(deletionMs)) throw nonsense("metadata.deletionTimestamp");
  return { namespace, name, uid, deletionMs };
}

function controllerOf(owners: readonly Readonly<Record<string, unknown>>[]): PodController | undefined {
  const owner = owners.find((one) => one["controller"] === true);
  if (owner === undefined) return undefined;
  const { apiVersion, kind, name } = owner;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") {
    throw nonsense("metadata.ownerReferences");
  }
  return { apiVersion, kind, name };
}

function maps(list: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(list) ? list.filter(isMap) : [];
}

function nonsense(field: string): NodeApiError {
  return new NodeApiError("NODE_API_NONSENSE", `the API server lists a pod whose ${field} is not what it must be`);
}
