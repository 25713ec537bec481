/** Trust anchors of the operator, and what is said about them at registrations. */
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { describeAnchors, isProvable, type OperatorAnchors, type TrustAnchorStore } from "./attestation/index.ts";
import type { AnchorsStanding } from "./registration/index.ts";
import type { Settings } from "./settings/index.ts";

export function operatorAnchors({
  namespace,
  trustAnchors,
}: Pick<Settings, "namespace" | "trustAnchors">): OperatorAnchors | undefined {
  return trustAnchors === undefined ? undefined : { namespace, configMapName: trustAnchors };
}

/** @throws KubernetesError */
export async function anchorsStanding(
  store: TrustAnchorStore,
  { metadata: { namespace }, spec }: MachineRegistration,
  nowMs: number,
): Promise<AnchorsStanding> {
  const anchors = await store.anchorsFor({ namespace, spec });
  return { trustAnchors: describeAnchors(anchors, nowMs) ?? null, isProvable: isProvable(spec.attestation, anchors) };
}
