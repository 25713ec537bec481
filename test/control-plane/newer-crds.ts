/** CRDs as a newer chart might have them: they take what this operator's schema does not. */
import { eventually, patchObject } from "../operator/objects.ts";
import { adminClient } from "./admin-client.ts";
import type { KubectlTarget } from "./kubectl.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/**
 * Changes a CRD's text.
 * @param plural   of rancheros.cattle.io
 * @param replace  what stands in its JSON, and what is to stand there
 */
export async function widenCrd(
  target: KubectlTarget,
  plural: string,
  replace: readonly (readonly [string, string])[],
): Promise<void> {
  const client = await adminClient(target);
  const path = `${CRDS}/${plural}.rancheros.cattle.io`;
  let text = JSON.stringify(await client.get(path));
  for (const [from, to] of replace) {
    if (!text.includes(from)) throw new Error(`the CRD of ${plural} has no ${from}`);
    text = text.replace(from, to);
  }
  await client.replace(path, JSON.parse(text) as object);
}

/** The API server takes a changed CRD up a moment after it has said so. */
export async function changeWhenTaken(
  target: KubectlTarget,
  kind: string,
  namespace: string,
  name: string,
  spec: object,
): Promise<void> {
  await eventually(
    async () => {
      try {
        await patchObject(target, kind, namespace, name, { spec });
        return true;
      } catch {
        return undefined;
      }
    },
    `the API server takes ${JSON.stringify(spec)}`,
  );
}
