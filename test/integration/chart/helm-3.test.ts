/** The chart in the hands of helm 3, which many people still have: it does there what it does with helm 4. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { CHART, helm } from "../../chart/helm.ts";
import { renderChart } from "../../chart/render-chart.ts";
import { VALUE_SETS } from "../../chart/value-sets.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { getObject } from "../../operator/objects.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "helm-3");
const folder = mkdtempSync(path.join(tmpdir(), "helm-3-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]): Promise<string> =>
  helm([...args, `--namespace=${namespace}`], { kubeconfigPath: target.kubeconfigPath, major: 3 });

describe("with helm 3 the chart", () => {
  it.each(Object.entries(VALUE_SETS))("is whole, and rendered to the same objects: %s", async (_name, release) => {
    const { values } = release;
    expect(await helm(["lint", "--strict", CHART], { values, major: 3 })).toContain("0 chart(s) failed");
    const byName = (one: { readonly kind: string; readonly metadata: { readonly name: string } }): string =>
      `${one.kind}/${one.metadata.name}`;
    const [three, four] = await Promise.all([renderChart(release, 3), renderChart(release, 4)]);
    const sorted = (all: typeof three) => all.toSorted((a, b) => (byName(a) < byName(b) ? -1 : 1));
    expect(sorted(three)).toEqual(sorted(four));
  });

  it("is installed, upgraded, rolled back and uninstalled, and leaves nothing but what it says it leaves", async () => {
    // The CRDs of this control plane belong to all tests.
    const flags = ["--set=crds.enabled=false", `--set=watchNamespace=${namespace}`];
    const said = await run("install", "three", CHART, ...flags, "--set=serverURL=https://one.example.com");
    expect(said).toContain("Machines are told to come to https://one.example.com");
    const urlOf = async (): Promise<string> =>
      JSON.stringify(await getObject(target, "deployment", namespace, "three-rancheros-operator"));
    expect(await urlOf()).toContain("https://one.example.com");
    const changed = ["--reset-then-reuse-values", "--set=serverURL=https://two.example.com"];
    await run("upgrade", "three", CHART, ...changed);
    expect(await urlOf()).toContain("https://two.example.com");
    await run("rollback", "three", "1");
    expect(await urlOf()).toContain("https://one.example.com");
    expect(await run("uninstall", "three")).toContain("uninstalled");
    const labels = "--selector=app.kubernetes.io/instance=three";
    const kinds =
      "deployments,services,configmaps,secrets,roles,rolebindings,serviceaccounts,leases,poddisruptionbudgets";
    expect(await kubectl(target, ["get", kinds, labels, `--namespace=${namespace}`, "--output=name"])).toBe("");
    expect(await kubectl(target, ["get", "clusterroles,clusterrolebindings", labels, "--output=name"])).toBe("");
  });
});
