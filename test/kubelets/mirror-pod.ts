/** Static pods: made at the API server by the kubelet itself, with its own identity, as NodeRestriction demands. */
import { ApiClient } from "../control-plane/api-client.ts";
import { issueClientCertificate } from "../control-plane/client-authority.ts";
import type { KubeletAuthority } from "../control-plane/kubelet-kubeconfig.ts";
import type { Node, Pod } from "./kubernetes-objects.ts";
import { MIRROR_ANNOTATION } from "./pod-decision.ts";

/** @returns the mirror pod NAME-NODE, as kubelets name them */
export async function makeMirrorPod(
  target: KubeletAuthority,
  node: string,
  namespace: string,
  name: string,
): Promise<Pod> {
  const identity = { user: `system:node:${node}`, groups: ["system:nodes"] };
  const certificate = issueClientCertificate(target.clientAuthority, identity);
  const kubelet = new ApiClient(target, { certificate });
  try {
    const { metadata } = (await kubelet.get(`/api/v1/nodes/${node}`)) as Node;
    const pod = mirrorPod(name, namespace, node, metadata.uid);
    return (await kubelet.create(`/api/v1/namespaces/${namespace}/pods`, pod)) as Pod;
  } finally {
    await kubelet.close();
  }
}

/** The object, for those who make many. */
export function mirrorPod(name: string, namespace: string, node: string, nodeUid: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-${node}`,
      namespace,
      annotations: { [MIRROR_ANNOTATION]: "0123456789abcdef", "kubernetes.io/config.source": "file" },
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: node, uid: nodeUid, controller: true }],
    },
    spec: {
      nodeName: node,
      containers: [{ name: "static", image: "registry.example.com/static:1" }],
      tolerations: [{ operator: "Exists" }],
    },
  };
}
