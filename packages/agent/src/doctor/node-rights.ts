/** What a drain of this machine's node asks of the API server, as access reviews that tell beforehand. */
import { isMap, NodeApiError, type KubernetesClient } from "../kubernetes/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, type Verdict } from "./verdict.ts";

interface Right {
  /** For people, behind "may not". */
  readonly words: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

function rightsFor(node: string): readonly Right[] {
  const selector = { requirements: [{ key: "spec.nodeName", operator: "In", values: [node] }] };
  return [
    { words: `read the node ${node}`, attributes: { verb: "get", version: "v1", resource: "nodes", name: node } },
    {
      words: `cordon the node ${node} (patch nodes)`,
      attributes: { verb: "patch", version: "v1", resource: "nodes", name: node },
    },
    {
      words: "list the pods of its node (list pods)",
      attributes: { verb: "list", version: "v1", resource: "pods", fieldSelector: selector },
    },
    {
      words: "evict pods (create pods/eviction)",
      attributes: { verb: "create", version: "v1", resource: "pods", subresource: "eviction" },
    },
  ];
}

/**
 * Nothing is tried: the API server is asked.
 * @throws NodeApiError; DoctorError DOCTOR_RIGHTS_MISSING with each right that is
 */
export async function checkRights(
  client: KubernetesClient,
  node: string,
  signal: AbortSignal,
): Promise<Verdict<undefined>> {
  const answers = await Promise.all(
    rightsFor(node).map(async ({ words, attributes }) => {
      const review = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: attributes },
      };
      const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
      return { words, isAllowed: readAllowed(await client.send({ method: "POST", path, body: review, signal })) };
    }),
  );
  const missing = answers.filter(({ isAllowed }) => !isAllowed).map(({ words }) => words);
  if (missing.length === 0) return ok("may cordon its node, and list and evict its pods");
  const message = `${client.kubeconfigPath} may not ${missing.join("; nor ")}`;
  throw new DoctorError("DOCTOR_RIGHTS_MISSING", message, { details: { node } });
}

/** @throws NodeApiError NODE_API_NONSENSE */
export function readAllowed(answer: unknown): boolean {
  const status = isMap(answer) ? answer["status"] : undefined;
  if (isMap(status) && typeof status["allowed"] === "boolean") return status["allowed"];
  throw new NodeApiError("NODE_API_NONSENSE", "the API server's answer is no access review");
}
