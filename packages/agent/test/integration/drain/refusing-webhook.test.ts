/** Deletions and evictions that a webhook of the cluster refuses, on the real API server; kubectl beside them. */
import { DEFAULT_DRAIN_OPTIONS, drainNode, type DrainReport } from "@rancheros/agent/drain";
import { isMap } from "@rancheros/agent/kubernetes";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { kubectl } from "../../../../../test/control-plane/kubectl.ts";
import { applyObjects } from "../../../../../test/control-plane/apply-objects.ts";
import { inventName, useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { makeTestNode, type TestNode } from "../../../../../test/kubelets/test-node.ts";
import { createAuthority } from "../../../../../test/registration/authority.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "refused");
const NEVER = new AbortController().signal;
const WORDS = 'admission webhook "pods.refusing.example.com" denied the request: not now';
const webhook = inventName("refusing");
let server: Server;
/** What it answers for the pod that it holds; undefined where it lets it go. */
let refusal: number | undefined;
let node: TestNode;
beforeAll(async () => {
  const authority = createAuthority("webhook");
  server = createServer(authority.issue({ names: ["127.0.0.1"] }), (request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      const review: unknown = JSON.parse(text);
      const asked = isMap(review) && isMap(review["request"]) ? review["request"] : {};
      const verdict =
        asked["name"] === "held" && refusal !== undefined
          ? { allowed: false, status: { code: refusal, message: "not now" } }
          : { allowed: true };
      const answer = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ ...answer, response: { uid: asked["uid"], ...verdict } }));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(authority.certificatePem).toString("base64");
  await applyObjects(target, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: webhook },
    webhooks: [
      {
        name: "pods.refusing.example.com",
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle },
        rules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["pods"] },
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods/eviction"] },
        ],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        timeoutSeconds: 10,
      },
    ],
  });
});
afterAll(async () => {
  await kubectl(target, ["delete", "validatingwebhookconfiguration", webhook]);
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  node = await makeTestNode(target);
});
afterEach(async () => {
  refusal = undefined;
  await node.close();
});

/** Without a time-out: a pod that nobody deleted would be waited for until the drain is broken off. */
function drain(disableEviction: boolean): Promise<DrainReport> {
  const options = { ...DEFAULT_DRAIN_OPTIONS, timeoutMs: 0, disableEviction };
  return drainNode(node.client, { nodeName: node.name, options, signal: AbortSignal.timeout(15_000) });
}

/** The API server hears of a webhook a moment after it was made. */
async function untilHeld(): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/held`;
  const request = { method: "DELETE", path, query: { dryRun: "All" }, signal: NEVER } as const;
  const refused = (): Promise<unknown> => node.client.send(request).catch((error: unknown) => error);
  await expect.poll(refused).toMatchObject({ message: WORDS });
}

describe.each([403, 409])("a webhook that answers %d", (status) => {
  it("ends the deletions in its words, as it ends kubectl's, and the next pods are not asked for", async () => {
    refusal = status;
    for (const name of ["first", "held", "last"]) await node.addPod(namespace, name);
    await untilHeld();
    node.startKubelet();
    await expect(drain(true)).rejects.toMatchObject({
      code: "DRAIN_FAILED",
      message: `unable to drain node "${node.name}" due to error: ${WORDS}`,
    });
    const args = ["drain", node.name, "--disable-eviction", "--timeout=20s"];
    const failed: unknown = await kubectl(target, args).catch((error: unknown) => error);
    expect(String(failed)).toContain(WORDS);
    await expect.poll(() => node.pods(), { timeout: 5_000 }).toEqual(["held", "last"]);
  });

  it("ends the eviction of its pod in its words, as it ends kubectl's, and the other pods go", async () => {
    refusal = status;
    for (const name of ["first", "held", "last"]) await node.addPod(namespace, name);
    await untilHeld();
    node.startKubelet();
    await expect(drain(false)).rejects.toMatchObject({
      code: "DRAIN_FAILED",
      message: `unable to drain node "${node.name}" due to error: error when evicting pods/"held" -n "${namespace}": ${WORDS}`,
    });
    const failed: unknown = await kubectl(target, ["drain", node.name, "--timeout=20s"]).catch((e: unknown) => e);
    expect(String(failed)).toContain(`error when evicting pods/"held" -n "${namespace}": ${WORDS}`);
    await expect.poll(() => node.pods(), { timeout: 5_000 }).toEqual(["held"]);
  });
});
