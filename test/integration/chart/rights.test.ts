/** The operator needs every right that the chart gives it, and no other: by the API server's own record of a whole day's work. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { auditUsers, readAudited, type AuditedRequest } from "../../chart/audited-requests.ts";
import { renderChart } from "../../chart/render-chart.ts";
import { playRightsScenario, scenarioValues, type ScenarioPlace } from "../../chart/rights-scenario.ts";
import { isAllowedBy, rightsOf, rightText, type Right, type Rule } from "../../chart/rules.ts";
import { startControlPlane, type ControlPlane } from "../../control-plane/control-plane.ts";
import { applyCrds } from "../../control-plane/apply-crds.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { fleetCrds } from "../../operator/fleet-crds.ts";
import { rancherCrds } from "../../operator/rancher-crds.ts";

const { binariesFolder } = inject("controlPlane");
const folder = mkdtempSync(path.join(tmpdir(), "rights-"));
const SCENARIO_TIMEOUT_MS = 240_000;

const PLACES: readonly ScenarioPlace[] = [
  { folder, namespace: "everywhere", home: "fleet-local", watchNamespace: "" },
  { folder, namespace: "one", home: "team-a", watchNamespace: "team-a" },
];

// Its own: these operators serve the whole cluster.
let controlPlane: ControlPlane;
let logFile: string;

const accountOf = ({ namespace }: ScenarioPlace): string =>
  `system:serviceaccount:${namespace}:${namespace}-rancheros-operator`;

async function rightsAt(place: ScenarioPlace): Promise<readonly Right[]> {
  const { namespace } = place;
  const objects = await renderChart({ name: namespace, namespace, values: scenarioValues(place) });
  const roles = objects.filter(({ kind }) => kind === "Role" || kind === "ClusterRole");
  return roles.flatMap(({ metadata, ...fields }) => rightsOf(fields["rules"] as readonly Rule[], metadata.namespace));
}

/** But what everybody may ask about himself: this test's own look whether the rights are in effect. */
function askedAt(place: ScenarioPlace): readonly AuditedRequest[] {
  const asked = readAudited(logFile).filter(({ group }) => group !== "authorization.k8s.io");
  return asked.filter(({ user }) => user === accountOf(place));
}

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const audit = auditUsers(folder, PLACES.map(accountOf));
  logFile = audit.logFile;
  controlPlane = await startControlPlane({ folder, binariesFolder, apiServerFlags: audit.flags });
  await applyCrds(controlPlane);
  await applyObjects(controlPlane, ...rancherCrds(), ...fleetCrds());
});

afterAll(async () => {
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(
  PLACES.map((place) => [place.watchNamespace === "" ? "all namespaces" : "one namespace", place] as const),
)("an operator that watches %s", (_what, place) => {
  let requests: readonly AuditedRequest[] = [];
  let rights: readonly Right[] = [];

  beforeAll(async () => {
    await playRightsScenario(controlPlane, place, (verb, resource) =>
      askedAt(place).some((request) => request.verb === verb && request.resource === resource),
    );
    rights = await rightsAt(place);
    requests = askedAt(place);
  }, SCENARIO_TIMEOUT_MS);

  it("is refused nothing", () => {
    expect(requests.length).toBeGreaterThan(100);
    expect(requests.filter(({ isAllowed }) => !isAllowed)).toEqual([]);
  });

  it("uses every right, and would be refused something without it", () => {
    const needless = rights.filter((right) => {
      const others = rights.filter((one) => one !== right);
      // What no other right allows would be refused without this one.
      const needed = (request: AuditedRequest): boolean =>
        isAllowedBy(right, request) && !others.some((one) => isAllowedBy(one, request));
      return !requests.some(needed);
    });
    expect(needless.map(rightText)).toEqual([]);
  });

  it("asks for nothing that its roles do not name", () => {
    const unnamed = requests.filter((request) => !rights.some((right) => isAllowedBy(right, request)));
    expect(unnamed).toEqual([]);
  });
});
