/**
 * Both programs as they are made for arm64, on a processor that is emulated: the agent reads a TPM and registers, the
 * operator lets it in. What starts itself (`hardware`, the daemon) wants a kernel of that processor, and is not here.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { applyCrds } from "../control-plane/apply-crds.ts";
import { startControlPlane, type ControlPlane } from "../control-plane/control-plane.ts";
import { createNamespace } from "../control-plane/namespace.ts";
import { runRosAgent } from "../integration/interop/ros-agent.ts";
import { listInventories, makeRegistration } from "../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../operator/operator-process.ts";
import { writeSystemTables } from "../smbios/system-tables.ts";
import { startSwtpm, type Swtpm } from "../swtpm/index.ts";

const MINUTE_MS = 60_000;
const MAKE_MS = 10 * MINUTE_MS;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NAMESPACE = "arm";
const run = promisify(execFile);

const folder = mkdtempSync(path.join(tmpdir(), "arm64-"));
/** The libraries of Debian that the programs need, and nothing else. */
const libraries = path.join(folder, "libraries");
const made = path.join(folder, "made");
const dmi = path.join(folder, "dmi");
const caFile = path.join(folder, "ca.pem");
let target: ControlPlane;
let operator: OperatorProcess;
let tpm: Swtpm;

beforeAll(async () => {
  const packages = "libstdc++6,libatomic1";
  await run("mmdebstrap", [
    "--architectures=arm64",
    "--variant=extract",
    `--include=${packages}`,
    "bookworm",
    libraries,
  ]);
  for (const program of ["agent", "operator"]) {
    await run(path.join(ROOT, `scripts/build-${program}`), ["--arch", "arm64", "--no-xz", "--out", made]);
  }
  target = await startControlPlane({ folder: path.join(folder, "c") });
  await applyCrds(target);
  await createNamespace(target, NAMESPACE);
  operator = await startOperator({
    folder: path.join(folder, "o"),
    kubeconfigPath: target.kubeconfigPath,
    rights: "given",
    namespace: NAMESPACE,
    watchNamespace: NAMESPACE,
    command: emulated("rancheros-operator"),
  });
  writeFileSync(caFile, await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text());
  tpm = await startSwtpm({ stateFolder: path.join(folder, "tpm"), withEkCertificate: true });
  mkdirSync(dmi);
  const uuidHex = "4c4c4544005810398039b7c04f513133";
  writeSystemTables(dmi, { manufacturer: "Ampere", productName: "Altra", serialNumber: "A-1", uuidHex });
}, MAKE_MS);
afterAll(async () => {
  await tpm.stop();
  await operator.stop();
  await target.stop();
  rmSync(folder, { recursive: true });
}, MINUTE_MS);

function emulated(program: string): readonly [string, ...string[]] {
  return ["qemu-aarch64-static", "-L", libraries, path.join(made, program)];
}

async function runAgent(...args: readonly string[]): Promise<string> {
  const [qemu, ...before] = emulated("ros-agent");
  return (await run(qemu, [...before, ...args], { timeout: MINUTE_MS })).stdout;
}

it("ros-agent reads a TPM's hash and SMBIOS as everywhere", { timeout: 2 * MINUTE_MS }, async () => {
  expect(await runAgent("--version")).toContain("linux-arm64");
  const everywhere = async (...args: readonly string[]) => (await runRosAgent(args)).stdout;
  for (const args of [
    ["get-tpm-hash", "--json", "--tcti", tpm.tcti],
    ["smbios", "--json", "--dump", dmi],
  ]) {
    const found = await runAgent(...args);
    expect(JSON.parse(found)).toEqual(JSON.parse(await everywhere(...args)));
  }
});

// In this order: who has attested is not taken by less.
it.for(["legacy", "attestation"])(
  "ros-agent registers by the %s protocol, and rancheros-operator lets it in",
  { timeout: 2 * MINUTE_MS },
  async (protocol) => {
    const cloudConfig = { write_files: [{ path: "/etc/arm", content: protocol }] };
    const door = await makeRegistration(target, NAMESPACE, protocol, {
      machineName: "${System Information/Serial Number}",
      cloudConfig,
    });
    const output = path.join(folder, `${protocol}.yaml`);
    const known = ["--ca-cert", caFile, "--tcti", tpm.tcti, "--smbios-dump", dmi];
    await runAgent("register", door.url, "--protocol", protocol, ...known, "--output", output);
    expect(readFileSync(output, "utf8")).toContain(`content: ${protocol}`);
    const [inventory, ...others] = await listInventories(target, NAMESPACE);
    expect(others).toEqual([]);
    expect(inventory?.spec).toMatchObject({
      tpm: (await runAgent("get-tpm-hash", "--tcti", tpm.tcti)).trim(),
      smbios: { "System Information": { "Serial Number": "A-1" } },
    });
  },
);
