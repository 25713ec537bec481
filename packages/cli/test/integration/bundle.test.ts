/** Bundle and single executable say what the sources say; the bundle is made anew where they have changed, in a copy of them. */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { writeSystemTables } from "../../../../test/smbios/system-tables.ts";
import { startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { COMMANDS } from "../../src/command-table.ts";
import { startProgram, startSources, type Outcome } from "./ros-agent.ts";
import { runAlone, singleExecutable } from "./single-executable.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const PARTS = ["protocol", "keyless", "agent", "cli"].flatMap((name) => [
  `packages/${name}/src`,
  `packages/${name}/package.json`,
]);

let folder = "";
let checkout = "";
let executable = "";
let tpm: Swtpm;

/** Sources that a test may change; what they depend on is the same. */
function copyCheckout(name: string): string {
  const copy = path.join(folder, name);
  for (const part of [...PARTS, "scripts", "package-lock.json"]) {
    cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
  }
  symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}

async function bundled(args: readonly string[], root = checkout): Promise<Outcome> {
  return startProgram([path.join(root, "scripts/ros-agent"), ...args]).outcome;
}

async function buildIfStale(root: string): Promise<string> {
  const { code, stderr } = await startProgram([path.join(root, "scripts/bundle-agent"), "--if-stale"]).outcome;
  expect(code, stderr).toBe(0);
  return currentBuild(root);
}

function currentBuild(root: string): string {
  return realpathSync(path.join(root, "dist/bundle/current"));
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "bundle-"));
  checkout = copyCheckout("checkout");
  writeSystemTables(path.join(folder, "dmi"), {
    manufacturer: "Test Inc.",
    productName: "Model T",
    serialNumber: "S1",
    uuidHex: "00112233445566778899aabbccddeeff",
  });
  tpm = await startSwtpm({ stateFolder: path.join(folder, "tpm"), withEkCertificate: true });
  await buildIfStale(checkout);
  executable = await singleExecutable(path.join(folder, "alone"));
});

afterAll(async () => {
  await tpm.stop();
  rmSync(folder, { recursive: true });
});

describe("bundle and single executable of ros-agent", () => {
  it.each([
    ...Object.keys(COMMANDS).map((command) => `${command} --help`),
    ...Object.keys(COMMANDS).map((command) => `${command} --no-such-flag`),
    "",
    "help",
    "--version",
    "get-tpm-hsh",
    "version --json --nonsense",
    "register https://h/x --check --wait 5m",
    "register https://h/x --timeout soon",
    "smbios --dump DMI --json",
    "smbios --dump /nonexistent",
    "get-tpm-hash --tcti TPM",
    "get-tpm-hash --tcti TPM --json",
    "get-tpm-hash --tcti swtpm:host=127.0.0.1,port=1 --json",
    "register https://127.0.0.1:1/v1-rancheros/registration/token --smbios-dump DMI --tcti TPM --json",
    "drain --kubeconfig /nonexistent",
    "labels --template /nonexistent",
    "status --json --state-folder /nonexistent/a --run-folder /nonexistent/b",
    "completion bash",
    "completion zsh",
    "completion fish",
    "man",
  ])("answer as the sources do: %s", async (line) => {
    const words: Readonly<Record<string, string>> = { DMI: path.join(folder, "dmi"), TPM: tpm.tcti };
    const args = line.split(" ").flatMap((word) => (word === "" ? [] : [words[word] ?? word]));
    const runs = [() => bundled(args), () => startSources(args).outcome, () => runAlone([executable, ...args])];
    // One after the other: without a resource manager the TPM has no room for the keys of three.
    const outcomes: Outcome[] = [];
    for (const run of runs) outcomes.push(await run());
    const [ours, theirs, alone] = outcomes;
    expect(ours).toEqual(theirs);
    expect(alone).toEqual(theirs);
    expect(JSON.stringify(outcomes)).not.toContain("CLI_DEFECT");
  });

  it("finds the program that asks for the hardware", async () => {
    const hardware: unknown = JSON.parse((await bundled(["hardware", "--json"])).stdout);
    expect(hardware).toHaveProperty("memory");
    expect(hardware).toHaveProperty("cpu");
  });
});

describe("scripts/ros-agent", () => {
  const changed = (root: string): string => path.join(root, "packages/cli/src/commands/version.ts");

  it("makes the bundle anew when a source is newer, once for all who start then, and only then", async () => {
    const root = copyCheckout("stale");
    await bundled(["version"], root);
    const before = currentBuild(root);
    await bundled(["version"], root);
    expect(currentBuild(root)).toBe(before);
    appendFileSync(changed(root), "\n");
    const [one, other] = await Promise.all([buildIfStale(root), buildIfStale(root), bundled(["version"], root)]);
    expect(one).not.toBe(before);
    expect(other).toBe(one);
    rmSync(path.join(root, "packages/agent/src/hardware/errors.ts"));
    expect(await buildIfStale(root)).not.toBe(one);
  });

  it("keeps the bundle that a copy of the checkout has brought, whose sources are later and the same", async () => {
    const root = copyCheckout("copied");
    const before = await buildIfStale(root);
    const copy = path.join(folder, "copy");
    cpSync(root, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    expect(path.basename(await buildIfStale(copy))).toBe(path.basename(before));
    // Where its folder cannot be written, too; root may, as long as that is who it is.
    for (const name of ["dist", "dist/bundle", "dist/bundle/current/."]) chmodSync(path.join(copy, name), 0o555);
    appendFileSync(changed(copy), "\n");
    truncateSync(changed(copy), statSync(changed(root)).size);
    const command = ["unshare", "--user", "--map-user=54321", path.join(copy, "scripts/ros-agent"), "version"];
    const [ours, theirs] = await Promise.all([startProgram(command).outcome, startSources(["version"]).outcome]);
    for (const name of ["dist", "dist/bundle", "dist/bundle/current/."]) chmodSync(path.join(copy, name), 0o755);
    expect(ours).toEqual(theirs);
  });

  it("does not run a bundle that is older than a source which cannot be bundled", async () => {
    const root = copyCheckout("broken");
    expect((await bundled(["version"], root)).code).toBe(0);
    writeFileSync(changed(root), "export class Version {");
    const { code, stderr } = await bundled(["version"], root);
    expect(code).toBe(1);
    expect(stderr).toContain("CLI_DEFECT");
  });

  it("runs the sources where nothing can be written, and says so once", async () => {
    const root = copyCheckout("read-only");
    // Root may write everywhere, but not make a folder in a file.
    writeFileSync(path.join(root, "dist"), "");
    const [ours, theirs] = await Promise.all([bundled(["version"], root), startSources(["version"]).outcome]);
    expect(ours).toEqual({ ...theirs, stderr: ours.stderr });
    expect(ours.stderr.split("ros-agent: dist/bundle")).toHaveLength(2);
    expect(ours.stderr).toContain("`scripts/bundle-agent` says why");
  });
});
