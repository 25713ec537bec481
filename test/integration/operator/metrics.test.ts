/** What a scraper reads at a real operator: every metric that docs, alerts and dashboard name, and no name of a machine. */
import { beforeAll, describe, expect, inject, it } from "vitest";
import { METRICS, type MetricRow } from "../../../packages/operator/src/telemetry/index.ts";
import { ALL_REASONS } from "../../../packages/operator/src/refusal-reasons.ts";
import { ALERTS_FILE, expressions, metricUses } from "../../chart/metric-uses.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { askMachine, channelAt, refusalOf, send, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, listInventories } from "../../operator/objects.ts";
import { readSamples, type Sample } from "../../operator/read-samples.ts";
import { BUILD_TIMEOUT_MS } from "../../go/build-module.ts";
import { checkPrometheus } from "../../prometheus/check-prometheus.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const used = useOperator(target, "metrics");
const ak = generateAttestationKey("rsa");
const ROWS: readonly MetricRow[] = Object.values(METRICS);
let samples: readonly Sample[];
let token: string;

const scrape = async (): Promise<readonly Sample[]> => readSamples(used.operator.healthUrl);

function valueOf(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const wanted = Object.entries(labels);
  return samples.find((one) => one.name === name && wanted.every(([key, value]) => one.labels[key] === value))?.value;
}

beforeAll(async () => {
  ({ token } = await used.makeDoor("door"));
  await applyObjects(target, {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSImage",
    metadata: { name: "nothing", namespace: used.namespace },
    spec: { osImage: "127.0.0.1:1/os:1", targets: [] },
  });
  const next = (): string => used.operator.httpUrl;
  const channel = await channelAt(used.operator.httpsUrl);
  const admission = await visitAttested({
    next,
    tpm: createSoftwareTpm({ ak }),
    channel,
    purpose: { kind: "registration", token },
  });
  await askMachine(next, admission.session.token);
  await send(next(), "plan", undefined, { method: "GET", token: admission.session.token });
  expect(await refusalOf(askMachine(next, "nonsense"))).toMatch(/^401 /);
  expect((await visit({ url: used.legacyUrl(token), tpm: createSoftwareTpm({ ak }) })).close?.code).toBe(1000);
  samples = await eventually(async () => {
    samples = await scrape();
    return valueOf("rancheros_rollouts", { state: "NoMachines" }) === 1 && valueOf("rancheros_inventories") === 2
      ? samples
      : undefined;
  }, "the operator has seen it all");
});

describe("/metrics", () => {
  it("has every metric of the table, and none of ours beside them", () => {
    const found = new Set(samples.filter(({ name }) => name.startsWith("rancheros_")).map(({ family }) => family));
    expect(found).toEqual(new Set(ROWS.map(({ name }) => name)));
  });

  it("has every metric that the alerts and the dashboard ask for", () => {
    const names = new Set(samples.map(({ name }) => name));
    const asked = expressions()
      .flatMap(metricUses)
      .map(({ series }) => series);
    expect(asked.filter((series) => !names.has(series))).toEqual([]);
  });

  it("has labels from closed sets only", async () => {
    for (const { family, labels } of samples.filter(({ name }) => name.startsWith("rancheros_"))) {
      const row = ROWS.find(({ name }) => name === family);
      for (const [label, value] of Object.entries(labels)) {
        if (label === "le") continue;
        const values = row?.labels[label];
        expect([family, label, values]).not.toContain(undefined);
        if (Array.isArray(values)) expect(values).toContain(value);
        else if (label === "reason") expect([...ALL_REASONS]).toContain(value);
      }
    }
    const text = await (await fetch(`${used.operator.healthUrl}/metrics`)).text();
    for (const { metadata, spec } of await listInventories(target, used.namespace)) {
      for (const secret of [metadata.name, metadata.uid, String(spec["tpm"]), token])
        expect(text).not.toContain(secret);
    }
  });

  it("counts what happened", () => {
    expect(valueOf("rancheros_ready")).toBe(1);
    expect(valueOf("rancheros_machines", { approval: "Approved", phase: "Idle" })).toBe(2);
    expect(valueOf("rancheros_decisions_total", { decision: "admitted", protocol: "attestation" })).toBe(1);
    expect(valueOf("rancheros_decisions_total", { decision: "admitted", protocol: "legacy" })).toBe(1);
    for (const step of ["nonce", "attest", "answer", "plan"]) {
      expect(valueOf("rancheros_machine_request_duration_seconds_count", { step, code: "2xx" })).toBe(1);
    }
    expect(valueOf("rancheros_machine_request_duration_seconds_count", { step: "machine", code: "4xx" })).toBe(1);
    const made = { verb: "create", resource: "machineinventories", outcome: "ok" };
    expect(valueOf("rancheros_kubernetes_requests_total", made)).toBe(2);
    expect(valueOf("rancheros_certificate_expiry_timestamp_seconds", { certificate: "ca" })).toBeGreaterThan(
      Date.now() / 1_000 + 9 * 365 * 86_400,
    );
  });

  it("and alerts and dashboard are taken by Prometheus' own code", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const metrics = await (await fetch(`${used.operator.healthUrl}/metrics`)).text();
    const asked = expressions().map(({ text }) => text.replaceAll("$__rate_interval", "5m"));
    // Of prom-client's own figures of the process, some are named otherwise.
    const ours = metrics.split(/^(?=# HELP )/m).filter((family) => family.startsWith("# HELP rancheros_"));
    expect(await checkPrometheus({ rules: ALERTS_FILE, expressions: asked, metrics: ours.join("") })).toEqual([]);
    expect(await checkPrometheus({ expressions: ["sum(rate(x[5m])"] })).toHaveLength(1);
    expect(await checkPrometheus({ metrics: "# HELP x_count x\n# TYPE x_count counter\nx_count 1\n" })).not.toEqual([]);
  });

  it("is not served where machines are", async () => {
    expect((await fetch(`${used.operator.httpUrl}/metrics`)).status).toBe(404);
  });
});
