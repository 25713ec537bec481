/** Nodes and pods of the API server, as far as the simulated kubelets look into them. */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
}

export interface Taint {
  readonly key: string;
  readonly effect: string;
}

export interface Node {
  readonly metadata: Metadata;
  readonly spec: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] };
  readonly status: {
    readonly conditions?: readonly Condition[];
    readonly nodeInfo?: { readonly bootID: string; readonly osImage: string };
  };
}

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

export interface Pod {
  readonly metadata: Metadata & { readonly namespace: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly affinity?: {
      readonly nodeAffinity?: {
        readonly requiredDuringSchedulingIgnoredDuringExecution?: {
          readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
        };
      };
    };
    readonly tolerations?: readonly { readonly key?: string; readonly operator?: string; readonly effect?: string }[];
    readonly containers: readonly { readonly name: string; readonly image: string }[];
  };
  readonly status: { readonly phase: PodPhase; readonly conditions?: readonly Condition[] };
}

export interface NodeSelectorTerm {
  readonly matchFields?: readonly { readonly key: string; readonly operator: string; readonly values?: string[] }[];
}

/** Path of one pod at the API server. */
export function podPath({ metadata }: Pod): string {
  return `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
}

export function isFinished(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

export function isReady(object: { readonly status: { readonly conditions?: readonly Condition[] } }): boolean {
  return object.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
