/** The CRDs of kinds that the chart makes objects of and that are not Kubernetes' own, as their projects publish them. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";

interface Published {
  /** As a Go module: what has it, what it must hash to, and the files in it. */
  readonly module: string;
  readonly version: string;
  readonly sum: string;
  readonly files: readonly string[];
}

const PROMETHEUS = "example/prometheus-operator-crd/monitoring.coreos.com";

const PUBLISHED: readonly Published[] = [
  {
    module: "sigs.k8s.io/gateway-api",
    version: "v1.4.1",
    sum: "h1:NPxFutNkKNa8UfLd2CMlEuhIPMQgDQ6DXNKG9sHbJU8=",
    files: ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
  },
  {
    module: "github.com/cert-manager/cert-manager",
    version: "v1.18.2",
    sum: "h1:H2P75ycGcTMauV3gvpkDqLdS3RSXonWF2S49QGA1PZE=",
    files: ["deploy/crds/crd-certificates.yaml"],
  },
  {
    module: "github.com/prometheus-operator/prometheus-operator",
    version: "v0.85.0",
    sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    files: [`${PROMETHEUS}_servicemonitors.yaml`, `${PROMETHEUS}_prometheusrules.yaml`],
  },
];

const GO_FALLBACK = "/usr/local/go/bin";
/** Some megabytes, once. */
const FETCH_TIMEOUT_MS = 5 * 60_000;

/** @throws Error  where Go or its module proxy does not give them, or gives something else */
export async function crdsOfOthers(): Promise<readonly object[]> {
  const crds: object[] = [];
  for (const published of PUBLISHED) {
    const folder = await fetchModule(published);
    for (const file of published.files) crds.push(...definitionsIn(readFileSync(path.join(folder, file), "utf8")));
  }
  return crds;
}

/** cert-manager's lie there as parts of its chart: whole lines are helm's. */
function definitionsIn(text: string): readonly object[] {
  const plain = text.split("\n").filter((line) => !line.includes("{{"));
  const documents = [...parseAllDocuments(plain.join("\n"))];
  return documents
    .map((document) => document.toJS() as { readonly kind?: string } | null)
    .filter((one) => one !== null && one.kind === "CustomResourceDefinition")
    .flatMap((one) => (one === null ? [] : [one]));
}

/** @returns where its files are, in Go's own cache */
async function fetchModule({ module, version, sum }: Published): Promise<string> {
  // Outside of any module, so that none of ours has it among its own.
  const cwd = await mkdtemp(path.join(tmpdir(), "crds-of-others-"));
  try {
    const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", `${module}@${version}`], {
      cwd,
      env: {
        ...process.env,
        PATH: `${process.env["PATH"] ?? ""}:${GO_FALLBACK}`,
        GO111MODULE: "on",
        GOWORK: "off",
        GOFLAGS: "",
      },
      timeout: FETCH_TIMEOUT_MS,
    });
    const found = JSON.parse(stdout) as { readonly Dir: string; readonly Sum: string };
    if (found.Sum !== sum) throw new Error(`${module} ${version} is ${found.Sum}, and not what it was`);
    return found.Dir;
  } finally {
    await rm(cwd, { recursive: true });
  }
}
