/** Our agent registers at what machines see of the original operator, on the original's own libraries. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes, X509Certificate } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeCa, makeServingCertificate } from "../../../packages/operator/src/tls/certificates.ts";
import { BUILD_TIMEOUT_MS, buildLegacyPrograms } from "../../go/build.ts";
import { runLegacyClient } from "../../go/legacy-client.ts";
import { startLegacyServer, type LegacyServer } from "../../go/legacy-server.ts";
import { writeSystemTables } from "../../smbios/system-tables.ts";
import { residue, startSwtpm, type Swtpm } from "../../swtpm/index.ts";
import { runRosAgent, type AgentOutcome } from "./ros-agent.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const folder = mkdtempSync(path.join(tmpdir(), "go-server-"));
const file = (name: string) => path.join(folder, name);
/** More than one of gorilla's buffers, so that it comes in several frames, and characters that Go's JSON escapes. */
const config = {
  users: [{ name: "root", passwd: "<a&b>\u2028" }],
  write_files: Array.from({ length: 20 }, (_, index) => ({ path: `/etc/${index}`, content: "x".repeat(1_000) })),
  rancheros: { install: { device: "/dev/sda" } },
};
const ca = makeCa(Date.now(), randomBytes);
let certified: Swtpm;
let bare: Swtpm;
let server: LegacyServer | undefined;

beforeAll(async () => {
  await buildLegacyPrograms();
  [certified, bare] = await Promise.all([
    startSwtpm({ stateFolder: file("certified"), withEkCertificate: true }),
    startSwtpm({ stateFolder: file("bare"), withEkCertificate: false }),
  ]);
  const serving = makeServingCertificate(ca, ["127.0.0.1"], Date.now(), randomBytes);
  writeFileSync(file("ca.pem"), ca.certificatePem);
  writeFileSync(file("cert.pem"), serving.certificatePem);
  writeFileSync(file("key.pem"), serving.keyPem, { mode: 0o600 });
  writeFileSync(file("config.json"), JSON.stringify(config));
  writeFileSync(
    file("inventory.json"),
    JSON.stringify({ role: "agent", labels: ["zone=z1"], taints: ["dedicated=edge:NoSchedule"], token: "crt" }),
  );
  writeSystemTables(file("dmi"), {
    manufacturer: "Dell Inc.",
    productName: "PowerEdge <&>",
    serialNumber: "7X9-1",
    uuidHex: "00112233445566778899aabbccddeeff",
  });
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all([certified.stop(), bare.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function start(...flags: readonly string[]): Promise<LegacyServer> {
  server = await startLegacyServer(["--registration", TOKEN, "--config", file("config.json"), ...flags]);
  return server;
}

const tls = () => ["--cert", file("cert.pem"), "--key", file("key.pem"), "--ca", file("ca.pem")];
const urlAt = ({ url }: LegacyServer) => `${url}/v1-rancheros/registration/${TOKEN}`;
const names = ({ events }: LegacyServer) => events.map(({ event }) => event);

async function register(url: string, tpm: Swtpm, ...flags: readonly string[]): Promise<AgentOutcome> {
  const where = ["--tcti", tpm.tcti, "--smbios-dump", file("dmi")];
  return runRosAgent(["register", url, "--protocol", "legacy", "--json", ...where, ...flags]);
}

async function hashOf(tpm: Swtpm): Promise<string> {
  return (await runRosAgent(["get-tpm-hash", "--tcti", tpm.tcti])).stdout.trim();
}

function expectedConfig({ url }: LegacyServer): object {
  return {
    ...config,
    rancherd: { server: url, token: "tpm://" },
    rancheros: { install: { automatic: true, device: "/dev/sda" } },
  };
}

describe.each([
  ["with an EK certificate", () => certified, true],
  ["without an EK certificate", () => bare, false],
])("our agent with a TPM %s", (_what, tpm, certificate) => {
  it("registers twice in a row, and takes the end without a close frame for a success", async () => {
    const operator = await start();
    for (let round = 0; round < 2; round += 1) {
      const outcome = await register(urlAt(operator), tpm(), "--allow-http");
      expect(outcome.status, outcome.stderr).toBe(0);
      expect(JSON.parse(outcome.stdout)).toEqual(expectedConfig(operator));
    }
    const tpmHash = await hashOf(tpm());
    expect(await operator.event("introduced")).toMatchObject({ tpmHash, certificate });
    expect(await operator.event("registered")).toMatchObject({
      tpmHash,
      smbios: {
        "System Information": { Manufacturer: "Dell Inc.", "Product Name": "PowerEdge <&>", "Serial Number": "7X9-1" },
      },
    });
    expect(await residue(tpm().tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("is the same machine as the Go client, before and after that one has put its keys into the TPM", async () => {
    const operator = await start();
    const client = async () => runLegacyClient(["register", urlAt(operator), "--tpm", `127.0.0.1:${tpm().port}`]);
    expect(await register(urlAt(operator), tpm(), "--allow-http")).toMatchObject({ status: 0 });
    expect(await client()).toMatchObject({ status: 0 });
    expect((await residue(tpm().tcti))["persistent"]).toEqual(expect.arrayContaining(["0x81000001", "0x81010001"]));
    expect(await register(urlAt(operator), tpm(), "--allow-http")).toMatchObject({ status: 0 });
    const hashes = operator.events.filter(({ event }) => event === "registered").map(({ tpmHash }) => tpmHash);
    expect(hashes).toHaveLength(3);
    expect(new Set(hashes)).toEqual(new Set([await hashOf(tpm())]));
  });
});

describe("our agent at the original operator", () => {
  it("registers over TLS with the CA as a file, and with its fingerprint alone", async () => {
    const operator = await start(...tls());
    expect(operator.url).toMatch(/^https:/);
    const pin = new X509Certificate(ca.certificatePem).fingerprint256;
    for (const trust of [
      ["--ca-cert", file("ca.pem")],
      ["--ca-sha256", pin],
    ]) {
      const outcome = await register(urlAt(operator), bare, ...trust);
      expect(outcome.status, outcome.stderr).toBe(0);
      expect(JSON.parse(outcome.stdout)).toEqual(expectedConfig(operator));
    }
    expect(await register(urlAt(operator), bare)).toMatchObject({ status: 5 });
  });

  it("checks everything without making the machine known", async () => {
    const operator = await start(...tls());
    const outcome = await register(urlAt(operator), bare, "--ca-cert", file("ca.pem"), "--check");
    expect(outcome.status, outcome.stdout).toBe(0);
    expect(names(operator)).toContain("introduced");
    expect(names(operator)).not.toContain("registered");
  });

  it("shows the sentence of a refusal before the upgrade", async () => {
    const operator = await start();
    const outcome = await register(urlAt(operator).replace(TOKEN, `${TOKEN}x`), bare, "--allow-http");
    expect(outcome.status).toBe(5);
    expect(outcome.stdout).toContain("MachineRegistration does not exist");
    expect(names(operator)).not.toContain("introduced");
  });

  it.each([
    // The original keeps the connection open: nothing tells this from a server that is slow.
    ["wrong-secret", 6, "REGISTRATION_TIMED_OUT"],
    ["dropped", 4, "REGISTRATION_CLOSED_EARLY"],
    ["silent", 6, "REGISTRATION_TIMED_OUT"],
    ["no-config", 6, "REGISTRATION_TIMED_OUT"],
    ["nonsense", 7, "REGISTRATION_NONSENSE"],
    ["nonsense-config", 7, "REGISTRATION_NONSENSE"],
    ["foreign-challenge", 7, "REGISTRATION_CHALLENGE_NOT_OURS"],
  ])("where the server is %s, ends with %d", async (mode, status, code) => {
    const operator = await start("--mode", mode);
    // Enough for the TPM on a busy machine; where nothing is waited for, the usual time.
    const timeout = status === 6 ? ["--timeout", "5s"] : [];
    const outcome = await register(urlAt(operator), bare, "--allow-http", ...timeout);
    expect([outcome.status, JSON.parse(outcome.stdout)], outcome.stderr).toMatchObject([status, { error: { code } }]);
    expect(outcome.stdout + outcome.stderr).not.toContain(TOKEN);
    // The machine did answer.
    if (mode === "wrong-secret")
      expect(await operator.event("refused")).toMatchObject({ error: "invalid challenge response" });
    expect(await residue(bare.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });
});

describe("the two Go programs with each other", () => {
  it("speak as the originals did: no close frame, taints among the labels, a signed CA", async () => {
    const operator = await start(...tls(), "--inventory", file("inventory.json"));
    const tpm = ["--tpm", `127.0.0.1:${bare.port}`];
    const ca = ["--ca", file("ca.pem")];
    const registered = await runLegacyClient(["register", urlAt(operator), ...tpm, ...ca, "--show-close"]);
    expect(registered.stderr).toContain("end of session: websocket: close 1006 (abnormal closure): unexpected EOF");
    expect(JSON.parse(registered.stdout)).toEqual(expectedConfig(operator));
    const asked = await runLegacyClient(["inventory", operator.url, ...tpm, "--token", "tpm://"]);
    expect(asked.stderr).toMatch(/^checksum [0-9a-f]{64}\n/);
    const labels = ["zone=z1", "dedicated=edge:NoSchedule"];
    expect(JSON.parse(asked.stdout)).toEqual({ role: "agent", labels, token: "crt" });
  });
});
