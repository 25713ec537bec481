/** The Secret of the operator's CA is deleted by hand, and the operator makes it anew: helm goes on with the release. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connectKubernetes, loadKubeConfig } from "../../../packages/operator/src/controller/index.ts";
import { ensureIdentity, type HeldIdentity, type IdentityStep } from "../../../packages/operator/src/tls/index.ts";
import { CHART, helm } from "../../chart/helm.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { pageCommands, runCommands } from "../../control-plane/page-commands.ts";

const target = inject("controlPlane");
const SECRET = "rancheros-operator-tls";

interface StoredSecret {
  readonly type: string;
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}

describe.each([3, 4] as const)("helm %i", (major) => {
  const namespace = useNamespace(target, `remade-${major}`);
  const release = `remade-${major}`;
  const folder = mkdtempSync(path.join(tmpdir(), "remade-"));
  const kubernetes = connectKubernetes(loadKubeConfig(target.kubeconfigPath));
  const inNamespace = `--namespace=${namespace}`;
  const run = (...args: readonly string[]): Promise<string> =>
    helm([...args, inNamespace], { kubeconfigPath: target.kubeconfigPath, major });
  const upgrade = (host: string): Promise<string> =>
    run("upgrade", release, CHART, "--reset-then-reuse-values", `--set=serverURL=https://${host}`);
  const stored = async (): Promise<StoredSecret> =>
    (await kubectlJson(target, ["get", "secret", SECRET, inNamespace])) as StoredSecret;

  /** As the operator does it. @param held  by an operator that has run on */
  const ensureCa = async (held?: HeldIdentity): Promise<HeldIdentity & { readonly step: IdentityStep }> => {
    const wants = { namespace, names: ["operator.example.com"], isThorough: true, nowMs: Date.now, held };
    return ensureIdentity(kubernetes, wants);
  };

  beforeAll(async () => {
    // The CRDs of this control plane belong to all tests.
    await run("install", release, CHART, "--set=crds.enabled=false", `--set=watchNamespace=${namespace}`);
    await ensureCa();
  });
  afterAll(async () => {
    await run("uninstall", release);
    rmSync(folder, { recursive: true, force: true });
  });

  it("upgrades and rolls back, and leaves the new CA as it is", async () => {
    const first = await stored();
    await kubectl(target, ["delete", "secret", SECRET, inNamespace]);
    await ensureCa();
    const { type, data } = await stored();
    expect(type).toBe(first.type);
    expect(data?.["ca.crt"]).not.toBe(first.data?.["ca.crt"]);
    await upgrade("two.example.com");
    expect(await stored()).toMatchObject({ data, metadata: { labels: { "app.kubernetes.io/managed-by": "Helm" } } });
    await run("rollback", release, "1");
    expect((await stored()).data).toEqual(data);
  });

  it("empties it with --force, and an operator that runs writes back what was in it", async () => {
    const held = await ensureCa();
    const { data } = await stored();
    const force = major === 3 ? ["--force"] : ["--force-replace", "--server-side=false"];
    for (const args of [
      ["upgrade", release, CHART, "--reset-then-reuse-values"],
      ["rollback", release],
    ]) {
      await run(...args, ...force);
      expect((await stored()).data).toBeUndefined();
      expect((await ensureCa(held)).step).toBe("restored");
      expect((await stored()).data).toEqual(data);
    }
    expect((await ensureCa(held)).step).toBe("kept");
  });

  it("goes on with one that an earlier operator has made anew, after the commands of docs/operations.md", async () => {
    const { data } = await stored();
    await kubectl(target, ["delete", "secret", SECRET, inNamespace]);
    const metadata = { name: SECRET, namespace };
    await applyObjects(target, { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata, data });
    await expect(upgrade("three.example.com")).rejects.toThrow(/field is immutable|conflict with .* [.]type/);
    const environment = { NAMESPACE: namespace };
    await runCommands(target, pageCommands("operations.md", "replace --force"), { folder, environment });
    await upgrade("three.example.com");
    await run("rollback", release, "1");
    expect(await stored()).toMatchObject({ type: "Opaque", data });
  });
});
