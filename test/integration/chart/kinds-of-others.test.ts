/** What the chart makes of kinds of other projects, refused or taken by these projects' own CRDs; no field may be unknown. */
import { beforeAll, describe, expect, it } from "vitest";
import { crdsOfOthers } from "../../chart/crds-of-others.ts";
import { objectOf, renderChart, type RenderedObject } from "../../chart/render-chart.ts";
import { VALUE_SETS } from "../../chart/value-sets.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectlJson } from "../../control-plane/kubectl.ts";
import { createNamespace } from "../../control-plane/namespace.ts";
import { useOwnControlPlane } from "../../control-plane/own-control-plane.ts";

const own = useOwnControlPlane("kinds-of-others");
const GROUPS = ["cert-manager.io/", "gateway.networking.k8s.io/", "monitoring.coreos.com/"];

const ofOthers = (objects: readonly RenderedObject[]): readonly RenderedObject[] =>
  objects.filter(({ apiVersion }) => GROUPS.some((group) => apiVersion.startsWith(group)));

beforeAll(async () => {
  const { target } = own();
  await applyObjects(target, ...(await crdsOfOthers()));
  for (const name of new Set(Object.values(VALUE_SETS).map(({ namespace }) => namespace))) {
    await createNamespace(target, name);
  }
});

describe("the kinds of others", () => {
  it.each([
    ["everything", ["HTTPRoute", "PrometheusRule", "ServiceMonitor"]],
    ["certified", ["Certificate"]],
  ] as const)("take what is rendered of %s, as it is", async (name, kinds) => {
    const { target } = own();
    const objects = ofOthers(await renderChart(VALUE_SETS[name]));
    expect(objects.map(({ kind }) => kind).sort()).toEqual([...kinds]);
    await applyObjects(target, ...objects);
    for (const object of objects) {
      const { kind, metadata } = object;
      const stored = await kubectlJson(target, ["get", kind, metadata.name, `--namespace=${metadata.namespace ?? ""}`]);
      expect(stored).toMatchObject({ spec: object["spec"] });
    }
  });

  it("refuse what they do not know: what is taken above was looked at", async () => {
    const { target } = own();
    const certificate = objectOf(await renderChart(VALUE_SETS.certified), "Certificate");
    const misspelled = {
      ...certificate,
      spec: { ...(certificate["spec"] as object), dnsName: "machines.example.com" },
    };
    await expect(applyObjects(target, misspelled)).rejects.toThrow(/dnsName/);
  });
});
