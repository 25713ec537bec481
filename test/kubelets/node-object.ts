/** The Node that a kubelet registers. */
import type { Taint } from "./kubernetes-objects.ts";

/** Which simulated kubelets a node belongs to: the prefix of its name, for nodeSelectors. */
export const KUBELETS_LABEL = "kubelets.example.com/prefix";

export interface NodeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** A random UUID when not given. */
  readonly bootId?: string;
  readonly osImage?: string;
  readonly unschedulable?: boolean;
  readonly taints?: readonly Taint[];
}

export interface NodeSystem {
  readonly bootId: string;
  readonly osImage: string;
}

export function nodeObject(name: string, prefix: string, options: NodeOptions, status: object): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        [KUBELETS_LABEL]: prefix,
        ...options.labels,
      },
    },
    spec: { unschedulable: options.unschedulable === true ? true : undefined },
    status,
  };
}

/** For a new node and for a merge patch. A node that is down says nothing: its conditions are Unknown, as seen by the cluster. */
export function nodeStatus(name: string, up: boolean, system: NodeSystem, now: string): object {
  const [status, reason, message] = up
    ? ["True", "KubeletReady", "kubelet is posting ready status"]
    : ["Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."];
  const room = { cpu: "8", memory: "32Gi", pods: "500", "ephemeral-storage": "100Gi" };
  return {
    capacity: room,
    allocatable: room,
    addresses: [
      { type: "InternalIP", address: "127.0.0.1" },
      { type: "Hostname", address: name },
    ],
    conditions: [{ type: "Ready", status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now }],
    nodeInfo: {
      machineID: "0123456789abcdef0123456789abcdef",
      systemUUID: "01234567-89ab-cdef-0123-456789abcdef",
      bootID: system.bootId,
      osImage: system.osImage,
      kernelVersion: "6.12.0",
      containerRuntimeVersion: "containerd://2.4.0",
      kubeletVersion: "v1.37.2",
      kubeProxyVersion: "v1.37.2",
      operatingSystem: "linux",
      architecture: "amd64",
    },
  };
}
