/** What the chart is rendered to: held by snapshots, by the operator's own readers, and by the API server's rules for pods. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PROTOCOL_PATH } from "@rancheros/protocol/attestation";
import { describe, expect, inject, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { isBootPath } from "../../../packages/operator/src/boot/index.ts";
import { crdsYaml } from "../../../packages/operator/src/crds.ts";
import { parseDefaults } from "../../../packages/operator/src/defaults/index.ts";
import { MACHINE_PATH } from "../../../packages/operator/src/rancherd/index.ts";
import { readSettings, SETTINGS } from "../../../packages/operator/src/settings/index.ts";
import { ALERTS_FILE, DASHBOARD_FILE } from "../../chart/metric-uses.ts";
import { CHART, helm } from "../../chart/helm.ts";
import { objectOf, renderChart, renderNotes, renderText, type RenderedObject } from "../../chart/render-chart.ts";
import { VALUE_SETS } from "../../chart/value-sets.ts";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "restricted");
const OPERATOR = fileURLToPath(new URL("../../../packages/operator", import.meta.url));
const SETS = Object.entries(VALUE_SETS);

interface PodTemplate {
  readonly metadata: object;
  readonly spec: { readonly containers: readonly { readonly env: readonly { name: string; value?: string }[] }[] };
}

function podOf(objects: readonly RenderedObject[]): PodTemplate {
  const { spec } = objectOf(objects, "Deployment");
  return (spec as { readonly template: PodTemplate }).template;
}

function environmentOf(objects: readonly RenderedObject[]): Readonly<Record<string, string>> {
  const env = podOf(objects).spec.containers[0]?.env ?? [];
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

describe("the chart", () => {
  it.each(SETS)("passes helm lint with the values %s", async (_name, { values }) => {
    const said = await helm(["lint", "--strict", CHART], { values });
    expect(said).toContain("1 chart(s) linted, 0 chart(s) failed");
  });

  it.each(SETS)("is rendered as ever with the values %s", async (name, release) => {
    const values = { ...release.values, crds: { enabled: false } };
    await expect(await renderText({ ...release, values })).toMatchFileSnapshot(`testdata/${name}.yaml`);
  });

  it.each(SETS)("says what comes next, as ever, with the values %s", async (name, release) => {
    await expect(await renderNotes(release)).toMatchFileSnapshot(`testdata/${name}.notes.txt`);
  });

  it.each(SETS)("says commands that name what there is with the values %s", async (_name, release) => {
    const [notes, objects] = await Promise.all([renderNotes(release), renderChart(release)]);
    const { metadata } = objectOf(objects, "Deployment");
    expect(notes).toContain(`kubectl -n ${release.namespace} rollout status deployment/${metadata.name}\n`);
    const url = environmentOf(objects)["RANCHEROS_SERVER_URL"];
    if (url === undefined) expect(notes).toContain("Rancher's setting server-url");
    else expect(notes).toContain(`Machines are told to come to ${url}\n`);
    for (const [, place = "", door = ""] of notes.matchAll(/kubectl -n (\S+) get machineregistration (\S+) -o wide/g)) {
      const made = notes.includes(`metadata: {name: ${door}, namespace: "${place}"}`);
      expect(made || JSON.stringify(objects).includes(`name: \\"${door}\\"\\n`), `${place}/${door}`).toBe(true);
    }
    expect(notes.match(/get machineregistration/g)).toHaveLength(1);
    expect(notes).not.toMatch(/<no value>|%!|undefined|\{\{/);
  });

  it("has the version of the operator", () => {
    const chart = parse(readFileSync(path.join(CHART, "Chart.yaml"), "utf8")) as Readonly<Record<string, string>>;
    const { version } = JSON.parse(readFileSync(path.join(OPERATOR, "package.json"), "utf8")) as { version: string };
    expect([chart["version"], chart["appVersion"]]).toEqual([version, version]);
  });

  it("brings the CRDs that the operator prints, and keeps them when it is uninstalled", async () => {
    const rendered = (await renderChart(VALUE_SETS.documented)).filter(
      (one) => one.kind === "CustomResourceDefinition",
    );
    for (const { metadata } of rendered) {
      expect(metadata.annotations).toEqual({ "helm.sh/resource-policy": "keep" });
      expect(metadata.labels).toMatchObject({ "app.kubernetes.io/managed-by": "Helm" });
    }
    const printed = [...parseAllDocuments(crdsYaml())].map((document): unknown => document.toJS());
    expect(rendered.map((one) => ({ ...one, metadata: { name: one.metadata.name } }))).toEqual(printed);
  });

  it.each(SETS)("makes pods that the restricted Pod Security Standard lets in: %s", async (_name, release) => {
    const level = { "pod-security.kubernetes.io/enforce": "restricted" };
    await applyObjects(target, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: level } });
    const { spec } = podOf(await renderChart(release));
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "operator", namespace }, spec };
    const said = await kubectl(target, ["create", "--dry-run=server", "-f", "-"], { input: JSON.stringify(pod) });
    expect(said).toContain("pod/operator created");
  });

  it.each(SETS)("is taken by the API server, which knows every field of it: %s", async (_name, { name, values }) => {
    const all = await renderChart({ name, namespace, values });
    // What is of other projects, or in namespaces that this test does not have, is not looked at.
    const known = /^(v1|apps\/v1|policy\/v1|[a-z]+[.]k8s[.]io\/v1)$/;
    const objects = all.filter(
      ({ apiVersion, kind, metadata }) =>
        known.test(apiVersion) &&
        !/^(CustomResourceDefinition|HTTPRoute)$/.test(kind) &&
        (metadata.namespace ?? namespace) === namespace,
    );
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    // Other tests may have made one of the namespaces.
    const args = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-"];
    const said = await kubectl(target, args, { input: list });
    expect(said.trim().split("\n")).toHaveLength(objects.length);
    expect(objects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["Deployment", "Service"]));
  });

  it("leads machines to both of the operator's protocols and to boot files from an Ingress and from a gateway", async () => {
    const objects = await renderChart(VALUE_SETS.everything);
    const text = JSON.stringify(objectOf(objects, "Ingress")["spec"]);
    const route = JSON.stringify(objectOf(objects, "HTTPRoute")["spec"]);
    expect(isBootPath("/boot/token/ipxe")).toBe(true);
    for (const machinePath of [MACHINE_PATH, PROTOCOL_PATH, "/boot"]) {
      expect(text).toContain(`{"path":"${machinePath}","pathType":"Prefix"`);
      expect(route).toContain(`{"path":{"type":"PathPrefix","value":"${machinePath}"}}`);
    }
  });
});

describe("Rancher's tunnel", () => {
  it("is asked for where Rancher is, or where somebody says so, and leads to both protocols and to boot files", async () => {
    const { name, namespace: home } = VALUE_SETS.documented;
    const isAsked = async (tunnel: string, ...flags: readonly string[]): Promise<boolean> => {
      const args = ["template", name, CHART, `--namespace=${home}`, `--set=rancher.tunnel=${tunnel}`, ...flags];
      return (await helm(args)).includes("kind: APIService");
    };
    const rancher = "--api-versions=management.cattle.io/v3/APIService";
    expect([await isAsked("auto"), await isAsked("auto", rancher)]).toEqual([false, true]);
    expect([await isAsked("always"), await isAsked("never", rancher)]).toEqual([true, false]);
    const { spec } = objectOf(await renderChart(VALUE_SETS.everything), "APIService");
    expect(spec).toEqual({
      secretName: "tunnel",
      secretNamespace: VALUE_SETS.everything.namespace,
      pathPrefixes: [`${MACHINE_PATH}/`, `${PROTOCOL_PATH}/`],
    });
    expect(isBootPath(`${MACHINE_PATH}/boot/token/ipxe`)).toBe(true);
  });

  it("is not opened, and its Secret not read, where somebody says never", async () => {
    const values = { ...VALUE_SETS.narrow.values, rancher: { tunnel: "never" } };
    const objects = await renderChart({ ...VALUE_SETS.narrow, values });
    expect(readSettings([], environmentOf(objects)).tunnelSecret).toBeUndefined();
    const ofSecret = '"resourceNames":["rancheros-operator"]';
    expect(JSON.stringify(await renderChart(VALUE_SETS.narrow))).toContain(ofSecret);
    expect(JSON.stringify(objects)).not.toContain(ofSecret);
  });
});

describe("what Prometheus and Grafana are given", () => {
  it("is the files of the chart, where somebody asks for it", async () => {
    const rendered = await renderChart(VALUE_SETS.everything);
    // Beside another release in one Prometheus each misses its own operator.
    const own = `absent(rancheros_build_info{namespace="${VALUE_SETS.everything.namespace}"})`;
    const file = readFileSync(ALERTS_FILE, "utf8");
    expect(file.split("absent(rancheros_build_info)")).toHaveLength(2);
    expect(objectOf(rendered, "PrometheusRule")["spec"]).toEqual(
      parse(file.replace("absent(rancheros_build_info)", own)),
    );
    const maps = rendered.filter(({ kind, metadata }) => kind === "ConfigMap" && metadata.name.endsWith("-dashboard"));
    const [text] = maps.flatMap((one) => Object.values(one["data"] as Readonly<Record<string, string>>));
    expect(JSON.parse(text ?? "")).toEqual(JSON.parse(readFileSync(DASHBOARD_FILE, "utf8")));
    const plain = await renderChart(VALUE_SETS.documented);
    const shown = plain.filter(({ kind }) => kind === "PrometheusRule" || kind === "ConfigMap");
    expect(shown.map(({ metadata }) => metadata.name)).toEqual(["rancheros-operator-ca"]);
  });
});

describe("the chart's values", () => {
  it("are settings that the operator takes, as they are meant", async () => {
    const plain = readSettings([], environmentOf(await renderChart(VALUE_SETS.documented)));
    const service = "rancheros-operator.cattle-rancheros-operator-system";
    expect(plain).toEqual({
      ...readSettings([], {}),
      tlsSan: [service, `${service}.svc`, `${service}.svc.cluster.local`],
    });
    const full = readSettings([], environmentOf(await renderChart(VALUE_SETS.everything)));
    expect(full).toMatchObject({
      serverUrl: "https://machines.example.com",
      caFile: "/etc/rancheros-operator/ca.pem",
      httpsListen: { host: "::", port: 8443 },
      httpListen: { host: "::", port: 8080 },
      healthListen: { host: "::", port: 9090 },
      maxSessions: 100,
      trustAnchors: "tpm-makers",
      staleAfterMs: 60_000,
      stopDelayMs: 0,
      statusDelayMs: 5_000,
      tunnelSecret: "tunnel",
      bootUrl: "http://boot.example.com",
      tokenInStatus: false,
      unknownTokenRate: 10,
      failedChallengeRate: 20,
      acceptRoca: true,
      logLevel: "debug",
    });
    expect(readSettings([], environmentOf(await renderChart(VALUE_SETS.narrow)))).toMatchObject({ leaderElect: false });
    expect(full.channelKeys).toHaveLength(2);
    expect(full.registries.mirrors.get("*")).toEqual({ urls: [new URL("https://all.example.com")], upstream: false });
  });

  it("reach every setting", async () => {
    const sets = await Promise.all(Object.values(VALUE_SETS).map((release) => renderChart(release)));
    const set = new Set(
      sets.flatMap((objects) => podOf(objects).spec.containers[0]?.env ?? []).map(({ name }) => name),
    );
    const missing = Object.values(SETTINGS).filter(({ env }) => !set.has(env));
    // In a pod its ServiceAccount is used.
    expect(missing.map(({ flag }) => flag)).toEqual(["kubeconfig"]);
  });

  it("give the operator what cert-manager writes: certificate, key, and the CA unless it is a public one", async () => {
    const { name, namespace: home, values } = VALUE_SETS.certified;
    const objects = await renderChart(VALUE_SETS.certified);
    const { spec } = objectOf(objects, "Certificate") as unknown as {
      readonly spec: Readonly<Record<string, unknown>>;
    };
    const service = `${name}.${home}`;
    expect(spec).toMatchObject({
      secretName: "rancheros-operator-machines-tls",
      issuerRef: { name: "edge-ca", kind: "ClusterIssuer", group: "cert-manager.io" },
      dnsNames: ["machines.example.com", service, `${service}.svc`, `${service}.svc.cluster.local`],
      ipAddresses: ["203.0.113.9", "2001:db8::9"],
    });
    const folder = "/etc/rancheros-operator-tls";
    expect(readSettings([], environmentOf(objects))).toMatchObject({
      tlsFiles: { certificate: `${folder}/tls.crt`, key: `${folder}/tls.key` },
      caFile: `${folder}/ca.crt`,
    });
    expect(JSON.stringify(podOf(objects).spec)).toContain('{"secretName":"rancheros-operator-machines-tls"');
    const certManager = { ...values.tls.certManager, serviceNames: false };
    const open = await renderChart({
      name,
      namespace: home,
      values: { ...values, tls: { publicCA: true, certManager } },
    });
    expect(objectOf(open, "Certificate")["spec"]).toMatchObject({ dnsNames: ["machines.example.com"] });
    expect(readSettings([], environmentOf(open)).caFile).toBeUndefined();
  });

  it("make first objects that the operator takes", async () => {
    const maps = (await renderChart(VALUE_SETS.standalone)).filter(({ kind }) => kind === "ConfigMap");
    const files = maps.find(({ metadata }) => metadata.name.endsWith("-files"))?.["data"] as Record<string, string>;
    expect(parseDefaults(files["defaults.yaml"] ?? "").map(({ body, ...where }) => ({ ...where, body }))).toEqual([
      {
        plural: "machineregistrations",
        namespace: "fleet-default",
        name: "edge",
        body: {
          apiVersion: "rancheros.cattle.io/v1",
          kind: "MachineRegistration",
          metadata: { name: "edge", namespace: "fleet-default" },
          spec: { machineInventoryLabels: { site: "berlin" } },
        },
      },
      {
        plural: "managedosimages",
        namespace: "fleet-local",
        name: "default-os-image",
        body: {
          apiVersion: "rancheros.cattle.io/v1",
          kind: "ManagedOSImage",
          metadata: { name: "default-os-image", namespace: "fleet-local" },
          spec: { osImage: "example.com/os:v1", concurrency: 2 },
        },
      },
    ]);
  });

  it.each([
    [{ replica: 3 }, "additional properties 'replica' not allowed"],
    [{ replicas: "two" }, "'/replicas': got string, want integer"],
    [{ replicas: -1 }, "'/replicas': minimum: got -1, want 0"],
    [{ image: { tag: "a/b" } }, "'/image/tag'"],
    [{ image: { digest: "sha256:12" } }, "'/image/digest'"],
    [{ serverURL: "machines.example.com" }, "'/serverURL'"],
    [{ serverURL: "https://user:password@machines.example.com" }, "'/serverURL'"],
    [{ settings: { bootURL: "http://user@boot.example.com" } }, "'/settings/bootURL'"],
    [{ watchNamespace: "Team A" }, "'/watchNamespace'"],
    [{ service: { type: "ExternalName" } }, "'/service/type': value must be one of"],
    [{ service: { port: 70_000 } }, "'/service/port': maximum"],
    [{ ingress: { enabled: true } }, "'/ingress/host'"],
    [{ gateway: { enabled: true, host: "a.example" } }, "'/gateway/parentRefs'"],
    [{ settings: { logLevel: "loud" } }, "'/settings/logLevel'"],
    [{ settings: { maxSessions: 1.5 } }, "'/settings/maxSessions'"],
    [{ tls: { ca: "no certificate" } }, "'/tls/ca'"],
    [{ tls: { channelKeys: ["abc"] } }, "'/tls/channelKeys/0'"],
    [{ registries: { mirrors: ["docker.io"] } }, "'/registries/mirrors/0'"],
    [{ env: [{ name: "RANCHEROS_LOG_LEVEL", value: "debug" }] }, "'/env/0/name'"],
    [{ metrics: { service: false, serviceMonitor: { enabled: true } } }, "'/metrics/service'"],
    [{ defaultOSImage: { enabled: true } }, "'/defaultOSImage/osImage'"],
    [{ watchNamespace: "a", defaultRegistration: { enabled: true, namespace: "b" } }, "defaultRegistration.namespace:"],
    [{ watchNamespace: "a", defaultOSImage: { enabled: true, osImage: "x" } }, "defaultOSImage.enabled:"],
    [{ settings: { leaderElect: false } }, "replicas: 2 of them need settings.leaderElect"],
    [{ tls: { certManager: { enabled: true } } }, "'/tls/certManager/issuerName'"],
    [{ tls: { secretName: "a", certManager: { enabled: true, issuerName: "b" } } }, "tls.secretName:"],
    [
      { tls: { certManager: { enabled: true, issuerName: "b", serviceNames: false } } },
      "tls.certManager.serviceNames: without them the certificate needs the host name of serverURL",
    ],
    [{ tls: { secretName: "rancheros-operator-tls" } }, "tls.secretName: rancheros-operator-tls is the operator's own"],
    [{ tls: { publicCA: true, ca: "-----BEGIN CERTIFICATE-----" } }, "tls.publicCA:"],
    [
      { ingress: { enabled: true, host: "a.b" }, gateway: { enabled: true, host: "c.d", parentRefs: [{ name: "g" }] } },
      "serverURL:",
    ],
    [{ metrics: { port: 8443 } }, "metrics.port: machines are listened to at 8443"],
    [
      { metrics: { port: 8080 }, ingress: { enabled: true, host: "a.b" } },
      "metrics.port: with ingress.enabled or gateway",
    ],
    [
      { metrics: { port: 8080 }, gateway: { enabled: true, host: "a.b", parentRefs: [{ name: "g" }] } },
      "metrics.port: with ingress.enabled or gateway",
    ],
  ])("%j are refused by the name of the field", async (values, words) => {
    await expect(renderText({ name: "refused", namespace: "operators", values })).rejects.toThrow(words);
  });
});

it("the port of metrics may be 8080 where machines do not come by plain HTTP", async () => {
  const values = { metrics: { port: 8080 } };
  const objects = await renderChart({ name: "other", namespace: "operators", values });
  expect(environmentOf(objects)["RANCHEROS_HEALTH_LISTEN"]).toMatch(/:8080$/);
});

describe("each of the operator's rights", () => {
  it("is said to be for a file that there is", () => {
    const lines = readFileSync(path.join(CHART, "templates", "rbac.yaml"), "utf8").split("\n");
    const rules = lines.flatMap((line, index) => (line.startsWith("  - apiGroups:") ? [index] : []));
    expect(rules.length).toBeGreaterThan(10);
    for (const index of rules) {
      const above = lines.slice(0, index).toReversed();
      const comment = above
        .slice(
          0,
          above.findIndex((line) => !line.startsWith("  #")),
        )
        .join(" ");
      const files = [...comment.matchAll(/[a-z-]+(?:\/[a-z-]+)+\.ts/g)].map(([file]) => file);
      expect(files, lines[index + 1]).not.toEqual([]);
      for (const file of files) expect(existsSync(path.join(OPERATOR, "src", file)), file).toBe(true);
    }
  });
});
