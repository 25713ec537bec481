/** Trust anchors in a real API server: where they are looked for, and for how long an answer is good. */
import { describe, expect, inject, it } from "vitest";
import { createTrustAnchorStore, NO_TRUST_ANCHORS } from "../../../src/attestation/index.ts";
import { connectKubernetes, KubernetesError, loadKubeConfig, type Kubernetes } from "../../../src/controller/index.ts";
import { applyObjects } from "../../../../../test/control-plane/apply-objects.ts";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { createAuthority } from "../../../../../test/software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "anchors");
const home = useNamespace(target, "operator");
const kubernetes = connectKubernetes(loadKubeConfig(target.kubeconfigPath));
const authority = (name: string) => createAuthority(name, undefined, { keyType: "ec" });

interface Watched extends Kubernetes {
  requests: number;
  silent: boolean;
}

/** The same API server, with a count and a way to lose it. */
function watched(): Watched {
  return {
    ...kubernetes,
    requests: 0,
    silent: false,
    async send(request) {
      this.requests += 1;
      if (this.silent) throw new KubernetesError("KUBERNETES_UNREACHABLE", "gone for this test");
      return kubernetes.send(request);
    },
  };
}

function apply(kind: "ConfigMap" | "Secret", inside: string, name: string, content: object): Promise<unknown> {
  return applyObjects(target, { apiVersion: "v1", kind, metadata: { name, namespace: inside }, ...content });
}

const plain = { namespace, spec: {} };
const named = (trustAnchors: object) => ({ namespace, spec: { attestation: { trustAnchors } } });
const subjects = (anchors: { roots: readonly { subject: string }[] }) => anchors.roots.map((root) => root.subject);

describe("the trust anchor store", () => {
  it("reads the registration's ConfigMap or Secret, and the operator's ConfigMap otherwise", async () => {
    await apply("ConfigMap", namespace, "own", { data: { "hardware.pem": authority("Own").pem, readme: "x" } });
    await apply("Secret", namespace, "hidden", { stringData: { "virtual.pem": authority("Hidden").pem } });
    await apply("ConfigMap", home, "everybody", {
      data: { "hardware.pem": authority("Everybody").pem },
      binaryData: { "hardware.der": "AAAA" },
    });
    const store = createTrustAnchorStore(kubernetes, () => 0, { namespace: home, configMapName: "everybody" });
    const own = await store.anchorsFor(named({ configMapName: "own" }));
    expect(subjects(own)).toEqual(["CN=Own"]);
    expect(own.problems).toEqual([
      `ConfigMap ${namespace}/own: key readme: begins with none of hardware, virtual, intermediate, refused, and does not end in .crl`,
    ]);
    const hidden = await store.anchorsFor(named({ secretName: "hidden" }));
    expect(hidden.roots.map((root) => [root.class, root.subject])).toEqual([["virtual", "CN=Hidden"]]);
    const everybody = await store.anchorsFor(plain);
    expect(subjects(everybody)).toEqual(["CN=Everybody"]);
    expect(everybody.problems).toEqual([`ConfigMap ${home}/everybody: key hardware.der: is binary, not PEM`]);
    const none = createTrustAnchorStore(kubernetes, () => 0);
    expect(await none.anchorsFor(plain)).toEqual(NO_TRUST_ANCHORS);
  });

  it("says which object a registration misses, and misses nothing where the operator has none", async () => {
    const store = createTrustAnchorStore(kubernetes, () => 0, { namespace: home, configMapName: "absent" });
    expect(await store.anchorsFor(plain)).toEqual(NO_TRUST_ANCHORS);
    const missing = await store.anchorsFor(named({ secretName: "nowhere" }));
    expect(missing.roots).toEqual([]);
    expect(missing.problems).toEqual([`Secret ${namespace}/nowhere with the trust anchors does not exist`]);
  });

  it("asks once for many machines, and again after 30 seconds", async () => {
    await apply("ConfigMap", namespace, "changing", { data: { hardware: authority("First").pem } });
    const server = watched();
    let nowMs = 1_000_000;
    const store = createTrustAnchorStore(server, () => nowMs);
    const registration = named({ configMapName: "changing" });
    const many = await Promise.all(Array.from({ length: 20 }, () => store.anchorsFor(registration)));
    expect(server.requests).toBe(1);
    expect(new Set(many).size).toBe(1);

    await apply("ConfigMap", namespace, "changing", { data: { hardware: authority("Second").pem } });
    nowMs += 29_999;
    expect(subjects(await store.anchorsFor(registration))).toEqual(["CN=First"]);
    nowMs += 1;
    expect(subjects(await store.anchorsFor(registration))).toEqual(["CN=Second"]);
    expect(server.requests).toBe(2);
  });

  it("goes on with what it knows for 10 minutes while the API server is gone", async () => {
    await apply("ConfigMap", namespace, "lasting", { data: { hardware: authority("Lasting").pem } });
    const server = watched();
    let nowMs = 1_000_000;
    const store = createTrustAnchorStore(server, () => nowMs);
    const registration = named({ configMapName: "lasting" });
    await store.anchorsFor(registration);
    server.silent = true;
    nowMs += 10 * 60_000 - 5_000;
    expect(subjects(await store.anchorsFor(registration))).toEqual(["CN=Lasting"]);
    expect(server.requests).toBe(2);
    // Nobody waits for a server that has just failed.
    nowMs += 4_999;
    expect(subjects(await store.anchorsFor(registration))).toEqual(["CN=Lasting"]);
    expect(server.requests).toBe(2);
    nowMs += 1;
    await expect(store.anchorsFor(registration)).rejects.toMatchObject({ code: "KUBERNETES_UNREACHABLE" });
    server.silent = false;
    expect(subjects(await store.anchorsFor(registration))).toEqual(["CN=Lasting"]);
    server.silent = true;
    await expect(store.anchorsFor(named({ configMapName: "unseen" }))).rejects.toMatchObject({
      code: "KUBERNETES_UNREACHABLE",
    });
  });
});
