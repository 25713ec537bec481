/** Files that a command line names as a shell's `<(COMMAND)`: pipes. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, open, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";

import { agentProgram } from "../../../../test/machine/agent-program.ts";
import { startAttestationServer, type AttestationServer } from "../../../../test/registration/attestation-server.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import { startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { PATH } from "./registration-server.ts";
import { errorOf, startProgram, type Outcome } from "./ros-agent.ts";

let folder: string;
let pipes = 0;
let tpm: Swtpm;
let server: AttestationServer;
let address: string;
beforeAll(async () => {
  const authority = createAuthority("pipes");
  folder = await mkdtemp(join(tmpdir(), "given-pipes-"));
  await writeFile(join(folder, "ca.pem"), authority.certificatePem);
  tpm = await startSwtpm({ stateFolder: join(folder, "tpm"), withEkCertificate: true });
  server = await startAttestationServer(authority.issue({ names: ["localhost"] }));
  address = `https://localhost:${server.port}${PATH}`;
});
afterAll(async () => {
  await server.stop();
  await tpm.stop();
  await rm(folder, { recursive: true });
});

/** @param flags  in bash's language */
function inBash(flags: string): Promise<Outcome> {
  const script = `"$1" "$2" ${flags} --json`;
  return startProgram(["bash", "-c", script, "bash", process.execPath, agentProgram()], { FOLDER: folder }).outcome;
}

it("labels reads its templates", async () => {
  const template = `machineName: "m-\${System Data/Machine Hash}"`;
  const outcome = await inBash(`labels --tpm-hash ${"a".repeat(64)} --template <(sleep 0.2; echo '${template}')`);
  expect(outcome, outcome.stdout).toMatchObject({ code: 0 });
});

const URL = "https://127.0.0.1:1/v1-rancheros/registration/tokentokentoken";

it.each([
  ["labels", `labels --tpm-hash ${"a".repeat(64)} --template`, "CLI_INTERRUPTED"],
  ["register", "register --no-smbios --config", "CLI_INTERRUPTED"],
  ["register with a CA", `register ${URL} --no-smbios --ca-cert`, "REGISTRATION_INTERRUPTED"],
  ["report", "report --no-smbios --config", "CLI_INTERRUPTED"],
  ["install", "install --dry-run --config", "CLI_INTERRUPTED"],
])("the first Ctrl-C ends %s where nothing comes through a pipe", async (_name, words, code) => {
  const pipe = join(folder, `pipe-${pipes++}`);
  execFileSync("mkfifo", [pipe]);
  // Somebody holds it open, and is silent.
  const writer = await open(pipe, "r+");
  try {
    const { child, outcome } = startProgram([process.execPath, agentProgram(), ...words.split(" "), pipe, "--json"]);
    const begun = performance.now();
    while (!(await isReading(child.pid, pipe))) {
      if (child.exitCode !== null || performance.now() - begun > 20_000) break;
      await sleep(50);
    }
    const asked = performance.now();
    child.kill("SIGINT");
    const ended = await outcome;
    expect(errorOf(ended), ended.stdout).toMatchObject({ code });
    expect(ended.code).toBe(130);
    expect(performance.now() - asked).toBeLessThan(10_000);
  } finally {
    await writer.close();
  }
});

async function isReading(pid: number | undefined, pipe: string): Promise<boolean> {
  const numbers = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const opened = await Promise.all(numbers.map((one) => readlink(`/proc/${pid}/fd/${one}`).catch(() => "")));
  return opened.includes(pipe);
}

it("register reads its cloud-config", async () => {
  const config = "rancheros: {registration: {url: 'http://127.0.0.1:1/v1-rancheros/registration/tokentokentoken'}}";
  const outcome = await inBash(`register --no-smbios --config <(sleep 0.2; echo "${config}")`);
  expect(errorOf(outcome), outcome.stdout).toMatchObject({ code: expect.stringMatching(/^REGISTRATION_/) as string });
});

it("install reads its settings", async () => {
  const outcome = await inBash(
    `install --dry-run --source "$FOLDER" --config <(sleep 0.2; echo "rancheros: {install: {slotSize: huge}}")`,
  );
  expect(errorOf(outcome), outcome.stdout).toMatchObject({ code: "INSTALL_SETTINGS_INVALID" });
});

it.each(["register", "register --check", "report"])("%s knows its server by a CA", async (command) => {
  const words = `${command} ${address} --no-smbios --tcti ${tpm.tcti}`;
  const outcome = await inBash(`${words} --ca-cert <(sleep 0.2; cat "$FOLDER/ca.pem")`);
  expect(outcome, outcome.stdout).toMatchObject({ code: 0 });
});

it("install keeps the settings of its file when it has registered", async () => {
  const settings = `{device: $FOLDER/no-disk, registrationUrl: '${address}', registrationCACert: $FOLDER/ca.pem}`;
  const before = server.reports.length;
  const outcome = await inBash(
    `install --tcti ${tpm.tcti} --source "$FOLDER" --config <(echo "rancheros: {install: ${settings}}")`,
  );
  expect(server.reports.length, outcome.stdout + outcome.stderr).toBeGreaterThan(before);
  expect(errorOf(outcome), outcome.stdout).toMatchObject({ message: expect.stringContaining("no-disk") as string });
});

it("install knows its server by a CA that its file names as a pipe, and keeps it for what is installed", async () => {
  const pipe = join(folder, "ca-pipe");
  execFileSync("mkfifo", [pipe]);
  execFile("sh", ["-c", 'cat "$1" >"$2"', "sh", join(folder, "ca.pem"), pipe]);
  const settings = `{device: $FOLDER/no-disk, registrationUrl: '${address}', registrationCACert: ${pipe}}`;
  const before = server.reports.length;
  const outcome = await inBash(
    `install --tcti ${tpm.tcti} --source "$FOLDER" --config <(echo "rancheros: {install: ${settings}}")`,
  );
  expect(server.reports.length, outcome.stdout + outcome.stderr).toBeGreaterThan(before);
  expect(errorOf(outcome), outcome.stdout).toMatchObject({ message: expect.stringContaining("no-disk") as string });
});
