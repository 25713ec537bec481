/** Nodes and pods without machines and containers, on a real API server. */
export { Kubelets, startKubelets, type KubeletsOptions, type KubeletsTarget } from "./kubelets.ts";
export { isFinished, isReady, podPath, type Node, type Pod } from "./kubernetes-objects.ts";
export { makeMirrorPod, mirrorPod } from "./mirror-pod.ts";
export { KUBELETS_LABEL, type NodeOptions, type NodeSystem } from "./node-object.ts";
export { BEHAVIOUR, MIRROR_ANNOTATION } from "./pod-decision.ts";
