/** Rollouts to bare machines, as an administrator asks for them and looks at them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { kubectl, kubectlApply } from "../control-plane/kubectl.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { getObject } from "../operator/objects.ts";
import { METAL_NAMESPACE } from "./metal-site.ts";

const NAME = "default";
const POLL_MS = 500;

/** Asks for this on all machines that came through the registration of this name; what is no node cannot be drained or cordoned. */
export async function rollOut(
  target: ControlPlane,
  registration: string,
  spec: { readonly osImage: string; readonly cloudConfig?: object },
  { areNodes }: { readonly areNodes: boolean } = { areNodes: true },
): Promise<void> {
  const nodeSelector = { matchLabels: { "rancheros.cattle.io/machine-registration": registration } };
  await kubectlApply(target, {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSImage",
    metadata: { name: NAME, namespace: METAL_NAMESPACE },
    spec: {
      ...spec,
      nodeSelector,
      concurrency: 1,
      ...(areNodes ? { drain: { ignoreDaemonSets: true, deleteLocalData: true } } : { cordon: false }),
      nodeTimeout: "1h",
    },
  });
}

/** @throws Error with the status as it was at last */
export async function untilRollout(
  target: ControlPlane,
  osImage: string,
  state: "Complete" | "Halted",
  timeoutMs: number,
  isMeant: (status: ManagedOSImageStatus) => boolean = () => true,
): Promise<ManagedOSImageStatus> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const status: ManagedOSImageStatus =
      (await getObject(target, "managedosimage", METAL_NAMESPACE, NAME))?.status ?? {};
    if (status.resolvedImage === osImage && status.state === state && isMeant(status)) return status;
    if (performance.now() > deadlineMs) throw new Error(`the rollout is not ${state}: ${JSON.stringify(status)}`);
    await sleep(POLL_MS);
  }
}

/** Waits until the look gives true, however long a machine without KVM takes. */
export async function patiently(look: () => Promise<boolean>, what: string, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > deadlineMs) throw new Error(`gave up waiting: ${what}`);
    await sleep(POLL_MS);
  }
}

/** @returns "" where it is not there */
export async function nodeField(target: ControlPlane, node: string, path: string): Promise<string> {
  return kubectl(target, ["get", "node", node, "--ignore-not-found", `--output=jsonpath={${path}}`]);
}

export const READY = '.status.conditions[?(@.type=="Ready")].status';
