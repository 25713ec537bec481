/** What scripts/demo runs when all is installed: a control plane, the operator, three machines, and what one sees then. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { unmountBelow } from "../test/containerd/index.ts";
import { startControlPlane, type ControlPlane } from "../test/control-plane/control-plane.ts";
import { applyCrds } from "../test/control-plane/apply-crds.ts";
import { kubectl } from "../test/control-plane/kubectl.ts";
import { createNamespace } from "../test/control-plane/namespace.ts";
import { makeRegistration } from "../test/operator/objects.ts";
import { startOperator, type OperatorProcess } from "../test/operator/operator-process.ts";
import { startRegistry, type TestRegistry } from "../test/registry/index.ts";
import { writeSystemTables } from "../test/smbios/system-tables.ts";
import { startSwtpm } from "../test/swtpm/index.ts";
import { admitByApproval, refuseImpostor, requireTpmMaker } from "./demo-attestation.ts";
import { showRollout, whyNoContainers } from "./demo-rollout.ts";
import { DemoTeardown } from "./demo-teardown.ts";

const CLI = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));
const NAMESPACE = "fleet-default";
const OPERATOR_NAMESPACE = "cattle-rancheros-operator-system";
const MACHINES = [
  { manufacturer: "Dell Inc.", productName: "PowerEdge R640", serialNumber: "7X9KQ13" },
  { manufacturer: "HPE", productName: "ProLiant DL360 Gen10", serialNumber: "CZ2910" },
  { manufacturer: "Supermicro", productName: "SYS-E300", serialNumber: "S411" },
];

const ONCE = process.argv.includes("--once");
const startedMs = performance.now();
let current = "";

const folder = mkdtempSync(path.join(tmpdir(), "rancheros-demo-"));
const teardown = new DemoTeardown(async () => {
  await unmountBelow(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
teardown.listen(() => (current === "" ? 0 : 130));

async function step<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
  teardown.signal.throwIfAborted();
  current = title;
  process.stderr.write(`${title} ...`);
  const beganMs = performance.now();
  const result = await work();
  process.stderr.write(` done (${((performance.now() - beganMs) / 1000).toFixed(1)} s)\n`);
  return result;
}

/** @returns what it said; rejects unless it ends with this exit code */
async function agent(args: readonly string[], exitCode = 0): Promise<string> {
  const { signal } = teardown;
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"], signal });
  const [, remarks] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (child.exitCode === exitCode) return remarks;
  throw new Error(`ros-agent ${args[0] ?? ""} ended with ${child.exitCode}:\n${remarks}`);
}

async function registerMachine(number: number, url: string, caFile: string): Promise<string> {
  const machine = MACHINES[number];
  if (machine === undefined) throw new RangeError(`there is no machine ${number}`);
  const home = path.join(folder, `machine-${number + 1}`);
  const tpm = await startSwtpm({
    stateFolder: home,
    authorityFolder: path.join(folder, "tpm-ca"),
    // One without a certificate, as many boards are.
    withEkCertificate: number !== 2,
  });
  teardown.atTheEnd(async () => tpm.stop());
  const uuidHex = `4c4c4544005810398039b7c04f51313${number}`;
  writeSystemTables(path.join(home, "dmi"), { ...machine, uuidHex });
  const config = path.join(home, "config.yaml");
  const where = ["--tcti", tpm.tcti, "--smbios-dump", path.join(home, "dmi"), "--output", config];
  await agent(["register", url, "--ca-cert", caFile, ...where]);
  return config;
}

function show(title: string, content: string): void {
  process.stdout.write(`\n${title}\n${content.trimEnd().replaceAll(/^/gm, "  ")}\n`);
}

/** The lines that point kubectl at the demo, and at the kubectl that was built for it. */
function lookForYourself(controlPlane: ControlPlane): string {
  return `export KUBECONFIG=${controlPlane.kubeconfigPath}\nexport PATH=${controlPlane.binariesFolder}:$PATH\nkubectl get rancheros -A`;
}

async function showMachines(controlPlane: ControlPlane, config: string): Promise<void> {
  const command = ["get", "machineregistrations,machineinventories", "-A"];
  show(`$ kubectl ${command.join(" ")}`, await kubectl(controlPlane, command));
  show("The config that the first machine received:", readFileSync(config, "utf8"));
}

interface Started {
  readonly controlPlane: ControlPlane;
  readonly operator: OperatorProcess;
  /** Undefined where no containers can be run, and there is nothing to do with images. */
  readonly registry: TestRegistry | undefined;
}

async function startAll(): Promise<Started> {
  const controlPlane = await step("Starting etcd and kube-apiserver", async () => startControlPlane({ folder }));
  teardown.atTheEnd(async () => controlPlane.stop());
  const registry = whyNoContainers() === undefined ? await startRegistryOfDemo() : undefined;
  await step("Applying the CRDs", async () => {
    await applyCrds(controlPlane);
    for (const name of [NAMESPACE, OPERATOR_NAMESPACE]) await createNamespace(controlPlane, name);
  });
  const operator = await step("Starting the operator", async () =>
    startOperator({
      folder,
      kubeconfigPath: controlPlane.kubeconfigPath,
      rights: "given",
      namespace: OPERATOR_NAMESPACE,
      flags: registry === undefined ? [] : [`--insecure-registry=${registry.host}`],
    }),
  );
  teardown.atTheEnd(async () => operator.stop());
  return { controlPlane, operator, registry };
}

async function startRegistryOfDemo(): Promise<TestRegistry> {
  const registry = await step("Starting an image registry", async () =>
    startRegistry({ folder: path.join(folder, "registry") }),
  );
  teardown.atTheEnd(async () => registry.stop());
  return registry;
}

async function demo(): Promise<void> {
  const { controlPlane, operator, registry } = await startAll();
  const { url } = await step("Making a MachineRegistration", async () =>
    makeRegistration(controlPlane, NAMESPACE, "edge", {
      machineName: "${System Information/Manufacturer}-${System Information/Serial Number}-",
      machineInventoryLabels: { vendor: "${System Information/Manufacturer}" },
      cloudConfig: { users: [{ name: "root", ssh_authorized_keys: ["github:someone"] }] },
    }),
  );
  const caFile = path.join(folder, "ca.pem");
  const ca = await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`);
  writeFileSync(caFile, await ca.text());
  const configs: string[] = [];
  for (const [number, { productName }] of MACHINES.entries()) {
    const title = `Machine ${number + 1} of ${MACHINES.length}, a ${productName}: starts its TPM and registers`;
    configs.push(await step(title, async () => registerMachine(number, url, caFile)));
  }
  const stage = {
    controlPlane,
    namespace: NAMESPACE,
    folder,
    caFile,
    agent,
    atTheEnd: (one: () => Promise<void>) => teardown.atTheEnd(one),
  };
  const closedUrl = await step("Making a MachineRegistration that wants a TPM maker's word and an approval", async () =>
    requireTpmMaker(stage),
  );
  const refusal = await step("An impostor with a key that no TPM maker signed tries to register", async () =>
    refuseImpostor(stage, closedUrl),
  );
  const approval = await step("A machine with a signed key comes, waits, and is approved with kubectl", async () =>
    admitByApproval(stage, closedUrl),
  );
  show("What the impostor was told:", refusal);
  show("What the machine that had to wait said:", approval);
  await showMachines(controlPlane, configs[0] ?? "");
  if (registry === undefined) process.stderr.write(`No rollout is shown: ${whyNoContainers() ?? ""}.\n`);
  else await showRollout({ ...stage, registry, step, show });
  if (!ONCE) show("Look for yourself:", lookForYourself(controlPlane));
  process.stdout.write(`\nAll of that took ${((performance.now() - startedMs) / 1000).toFixed(0)} s.\n`);
}

try {
  await teardown.watch(demo());
  current = "";
  if (!ONCE) {
    process.stdout.write("\nIt stays up until Ctrl-C.\n");
    // A signal ends the process; until then there has to be something that it waits for.
    setInterval(() => undefined, 60_000);
  } else if (!teardown.signal.aborted) await teardown.run();
} catch (error) {
  if (!teardown.signal.aborted) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(` failed\ndemo: ${current}: ${why}\n`);
    await teardown.run();
    process.exitCode = 1;
  }
}
