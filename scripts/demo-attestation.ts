/** The part of the demo about who may join: a key that nobody vouches for is refused, a machine waits for its approval. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../test/control-plane/control-plane.ts";
import { kubectl } from "../test/control-plane/kubectl.ts";
import { makeRegistration } from "../test/operator/objects.ts";
import { writeSystemTables } from "../test/smbios/system-tables.ts";
import { authorityFiles, startSwtpm } from "../test/swtpm/index.ts";

export interface DemoStage {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly folder: string;
  readonly caFile: string;
  readonly agent: (args: readonly string[], exitCode?: number) => Promise<string>;
  readonly atTheEnd: (work: () => Promise<void>) => unknown;
}

const REGISTRATION = "vault";
const ANCHORS = "tpm-makers";
/** Exit code of ros-agent for a refusal. */
const REFUSED = 5;
const PENDING_DEADLINE_MS = 60_000;

/** @returns the URL of a registration that lets in only what the demo's own TPM maker signed, and only when approved */
export async function requireTpmMaker({ controlPlane, namespace, folder }: DemoStage): Promise<string> {
  const { rootCertificate, issuerCertificate } = authorityFiles(path.join(folder, "tpm-ca"));
  const files = [`virtual-demo.pem=${rootCertificate}`, `intermediate-demo.pem=${issuerCertificate}`];
  const from = files.map((file) => `--from-file=${file}`);
  await kubectl(controlPlane, ["-n", namespace, "create", "configmap", ANCHORS, ...from]);
  const made = await makeRegistration(controlPlane, namespace, REGISTRATION, {
    machineName: "${System Information/Manufacturer}-${System Information/Serial Number}-",
    cloudConfig: { hostname: "behind-the-door" },
    attestation: {
      class: "virtual",
      approval: "manual",
      legacyProtocol: "refuse",
      trustAnchors: { configMapName: ANCHORS },
    },
  });
  return made.url;
}

/** @returns what the impostor was told */
export async function refuseImpostor(stage: DemoStage, url: string): Promise<string> {
  return register(stage, url, { home: "impostor", serialNumber: "7X9KQ13", withEkCertificate: false }, [], REFUSED);
}

/** @returns what the machine said while it waited and went on */
export async function admitByApproval(stage: DemoStage, url: string): Promise<string> {
  const { controlPlane, namespace } = stage;
  const machine = { home: "machine-4", serialNumber: "8K2LL77", withEkCertificate: true };
  const registering = register(stage, url, machine, ["--wait", "90s"], 0);
  const name = await Promise.race([pendingMachine(controlPlane, namespace), registering.then(neverPending)]);
  const patch = JSON.stringify({ spec: { approval: "Approved" } });
  await kubectl(controlPlane, ["-n", namespace, "patch", "machineinventory", name, "--type", "merge", "-p", patch]);
  return registering;
}

function neverPending(said: string): never {
  throw new Error(`the machine was let in without an approval:\n${said}`);
}

async function pendingMachine(controlPlane: ControlPlane, namespace: string): Promise<string> {
  const pending = '{.items[?(@.spec.approval=="Pending")].metadata.name}';
  const deadlineMs = performance.now() + PENDING_DEADLINE_MS;
  while (performance.now() < deadlineMs) {
    const name = await kubectl(controlPlane, [
      "-n",
      namespace,
      "get",
      "machineinventories",
      "-o",
      `jsonpath=${pending}`,
    ]);
    if (name.trim() !== "") return name.trim();
    await sleep(300);
  }
  throw new Error("no machine waits for its approval");
}

interface DemoMachine {
  readonly home: string;
  readonly serialNumber: string;
  readonly withEkCertificate: boolean;
}

async function register(
  { folder, caFile, agent, atTheEnd }: DemoStage,
  url: string,
  { home, serialNumber, withEkCertificate }: DemoMachine,
  flags: readonly string[],
  exitCode: number,
): Promise<string> {
  const stateFolder = path.join(folder, home);
  mkdirSync(stateFolder, { recursive: true });
  const tpm = await startSwtpm({ stateFolder, authorityFolder: path.join(folder, "tpm-ca"), withEkCertificate });
  atTheEnd(async () => tpm.stop());
  const dmi = path.join(stateFolder, "dmi");
  const uuidHex = `4c4c4544005810398039b7c04f5132${home === "impostor" ? "01" : "02"}`;
  writeSystemTables(dmi, { manufacturer: "Dell Inc.", productName: "PowerEdge R640", serialNumber, uuidHex });
  const output = path.join(stateFolder, "config.yaml");
  const where = ["--tcti", tpm.tcti, "--smbios-dump", dmi, "--output", output];
  const said = await agent(["register", url, "--ca-cert", caFile, ...where, ...flags], exitCode);
  // The remarks alone would not show that the configuration has arrived.
  return exitCode === 0 ? `${said}${readFileSync(output, "utf8")}` : said;
}
