/** What the operator wrote down, and what the API server has: looked at before and after an attack. */
import { kubectlJson, type KubectlTarget } from "../control-plane/kubectl.ts";
import { eventually } from "../operator/objects.ts";
import type { OperatorProcess } from "../operator/operator-process.ts";

/** Lines of the audit log that tell of a refusal, from `before` on. */
export function refusalsSince(operator: OperatorProcess, before: string): readonly { readonly reason: string }[] {
  return operator
    .log()
    .slice(before.length)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly reason?: string; readonly result?: string })
    .flatMap(({ reason, result }) => (result === "refused" && reason !== undefined ? [{ reason }] : []));
}

/** Waits for the refusals that an attack caused. */
export async function reasonsSince(operator: OperatorProcess, before: string): Promise<readonly string[]> {
  const lines = await eventually(async () => {
    const refusals = refusalsSince(operator, before);
    return refusals.length > 0 ? refusals : undefined;
  }, "a refusal in the audit log");
  return lines.map(({ reason }) => reason);
}

/** Name and resource version of everything that an attack could have changed. */
export async function storedState(target: KubectlTarget, namespace: string): Promise<readonly string[]> {
  const list = (await kubectlJson(target, [
    "get",
    "machineinventories,secrets,configmaps,serviceaccounts",
    `--namespace=${namespace}`,
  ])) as { readonly items: readonly { readonly kind: string; readonly metadata: Readonly<Record<string, string>> }[] };
  return list.items
    .map(({ kind, metadata }) => `${kind}/${metadata["name"]} ${metadata["resourceVersion"]}`)
    .toSorted();
}
