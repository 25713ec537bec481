/** The command line over the attestation protocol, on a software TPM. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  CONFIG,
  SESSION_TOKEN,
  refusal,
  startAttestationServer,
  type AttestationServer,
} from "../../../../test/registration/attestation-server.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import { writeSystemTables } from "../../../../test/smbios/system-tables.ts";
import { residue, startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";
import { PATH, TOKEN, portOf, startRegistrationServer } from "./registration-server.ts";

let folder: string;
let tpm: Swtpm;
let server: AttestationServer;
let url: string;
let usual: readonly string[];
const authority = createAuthority("attested test");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attested-"));
  tpm = await startSwtpm({ stateFolder: join(folder, "tpm"), withEkCertificate: true });
  server = await startAttestationServer(authority.issue({ names: ["localhost", "registration.test"] }));
  url = `https://localhost:${server.port}${PATH}`;
  await writeFile(join(folder, "ca.pem"), authority.certificatePem);
  writeSystemTables(join(folder, "dmi"), {
    manufacturer: "Test Inc.",
    productName: "Model T",
    serialNumber: "S1",
    uuidHex: "00112233445566778899aabbccddeeff",
  });
  usual = ["--tcti", tpm.tcti, "--ca-cert", join(folder, "ca.pem"), "--smbios-dump", join(folder, "dmi")];
});

afterAll(async () => {
  await server.stop();
  await tpm.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  server.play({});
});

describe("register", () => {
  it("gets the config for its owner only, tells what the machine is, and leaves nothing in the TPM", async () => {
    const output = join(folder, "config.yaml");
    const flags = ["--label", "example.com/rack=r1", "--annotation", "note=a=b", "--output", output];
    const { code, stdout, stderr } = await rosAgent(["register", url, ...usual, ...flags]);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe("");
    expect(await readFile(output, "utf8")).toContain("canary-of-the-config");
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    expect(server.attests[0]?.ek.type).toBe("certificate");
    const [report] = server.reports;
    expect(report).toMatchObject({
      smbios: { "System Information": { Manufacturer: "Test Inc.", "Serial Number": "S1" } },
      hardware: { cpu: { logicalCores: expect.stringMatching(/^\d+$/) as string } },
      labels: { "example.com/rack": "r1" },
      annotations: { note: "a=b" },
      os: { name: expect.stringMatching(/\S/) as string },
      agentVersion: "0.1.0",
    });
    expect(report?.addresses[0]).toMatchObject({ type: "Hostname" });
    for (const secret of [TOKEN, SESSION_TOKEN, "canary-of-the-config"]) expect(stderr).not.toContain(secret);
    expect(await residue(tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("says nothing about the hardware with --no-smbios", async () => {
    const flags = ["--tcti", tpm.tcti, "--ca-cert", join(folder, "ca.pem"), "--no-smbios", "--json"];
    const { code, stdout } = await rosAgent(["register", url, ...flags]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
    expect(server.reports).toMatchObject([{ smbios: undefined, hardware: undefined }]);
  });

  it("is known by its P-256 key with --ek ecc-p256", async () => {
    const { code, stderr } = await rosAgent(["register", url, ...usual, "--ek", "ecc-p256"]);
    expect(code, stderr).toBe(0);
    const hash = await rosAgent(["get-tpm-hash", "--ek", "ecc-p256", "--json", "--tcti", tpm.tcti]);
    expect(JSON.parse(hash.stdout)).toMatchObject({ kind: "ecc-p256", source: { kind: "template" } });
  });

  it("does not fall back by itself: a server of rancherd's protocol hears nothing of the machine", async () => {
    const legacy = await startRegistrationServer(authority.issue({ names: ["localhost"] }));
    try {
      const there = `https://localhost:${legacy.port}${PATH}`;
      const outcome = await rosAgent(["register", there, ...usual, "--json"]);
      expect(outcome.code).toBe(7);
      expect(errorOf(outcome)).toMatchObject({
        code: "REGISTRATION_PROTOCOL_UNKNOWN",
        mend: expect.stringContaining("--protocol legacy") as string,
      });
      expect(legacy.dials).toHaveLength(0);
      const asked = await rosAgent(["register", there, ...usual, "--protocol", "legacy"]);
      expect(asked.code, asked.stderr).toBe(0);
      expect(legacy.proven).toHaveLength(1);
    } finally {
      await legacy.stop();
    }
  });

  it("is bound to the server's key, and not to a proxy's, through a CONNECT; one tunnel for the conversation", async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      socket.on("error", () => socket.destroy());
      const there = connect(server.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        there.pipe(socket).pipe(there);
      });
      there.on("error", () => socket.destroy());
      socket.on("close", () => there.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    try {
      const environment = { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` };
      const outcome = await rosAgent(["register", `https://registration.test${PATH}`, ...usual], environment);
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(asked).toEqual(["registration.test:443"]);
      expect(server.attests).toHaveLength(1);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it("says without TLS that it is bound to nothing, where that is asked for", async () => {
    const plain = await startAttestationServer(undefined);
    try {
      const machine = usual.filter((flag) => flag !== "--ca-cert" && !flag.endsWith("ca.pem"));
      const there = `http://localhost:${plain.port}${PATH}`;
      const outcome = await rosAgent(["register", there, "--allow-http", ...machine]);
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(plain.attests[0]?.channel).toEqual(Buffer.alloc(32));
    } finally {
      await plain.stop();
    }
  });

  it.each([
    ["--ek", "ecc-p256"],
    ["--label", "a=b"],
  ])("refuses %s %s with --protocol legacy", async (flag, value) => {
    const outcome = await rosAgent(["register", url, ...usual, "--protocol", "legacy", flag, value, "--json"]);
    expect(outcome.code).toBe(2);
    expect(errorOf(outcome)).toMatchObject({ code: "CLI_USAGE" });
    expect(server.connections()).toBe(0);
  });

  it("names the command that approves the machine, and waits with --wait", async () => {
    server.play({ admission: () => ({ approval: "Pending" }) });
    const outcome = await rosAgent(["register", url, ...usual, "--json", "--output", join(folder, "never.yaml")]);
    expect(outcome.code).toBe(5);
    expect(errorOf(outcome)).toMatchObject({ code: "REGISTRATION_PENDING", retry: "backoff" });
    expect((await readdir(folder)).filter((name) => name.includes("never"))).toEqual([]);

    server.play({
      admission: (step, count) => ({ approval: step === "machine" || count > 1 ? "Approved" : "Pending" }),
    });
    const waited = await rosAgent(["register", url, ...usual, "--wait", "30s"]);
    expect(waited.code, waited.stderr).toBe(0);
    expect(waited.stdout).toContain("canary-of-the-config");
    expect(waited.stderr).toContain("kubectl -n fleet patch machineinventory m-one-ab12c --type merge -p");
  });
});

describe("register --check", () => {
  it("goes up to the activation, and answers nothing", async () => {
    const { code, stdout } = await rosAgent(["register", url, ...usual, "--check", "--json"]);
    const { steps } = JSON.parse(stdout) as { steps: readonly { step: string; outcome: string }[] };
    const here = ["smbios ok", "tpm ok", "endorsement-key ok", "ek-certificate ok", "attestation-key ok", "url ok"];
    const there = ["trust ok", "protocol ok", "challenge ok", "activation ok"];
    expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([...here, ...there]);
    expect(code).toBe(0);
    expect(server.seen.map(({ step }) => step)).toEqual(["nonce", "attest"]);
  });

  it("says which step the server refuses", async () => {
    server.play({
      alter: (step, honest) =>
        step === "attest" ? refusal(403, "EK_NOT_LISTED", "this machine is not on the list") : honest,
    });
    const { code, stdout } = await rosAgent(["register", url, ...usual, "--check"]);
    expect(code).toBe(5);
    expect(stdout).toMatch(/challenge +FAILED +the server refuses \(EK_NOT_LISTED\): this machine is not on the list/);
  });
});

describe("report", () => {
  it("is one report, by the server's address alone", async () => {
    const { code, stdout } = await rosAgent(["report", `https://localhost:${server.port}`, ...usual, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ machine: { name: "m-one-ab12c" }, approval: "Approved" });
    expect(server.seen.map(({ step }) => step)).toEqual(["nonce", "attest", "answer", "report"]);
  });

  it("goes on until SIGTERM with --every, and ends well", async () => {
    const running = startRosAgent(["report", url, ...usual, "--every"]);
    if (running.child.stderr === null) throw new Error("no pipe");
    while (server.reports.length < 2) await once(running.child.stderr, "data");
    running.child.kill("SIGTERM");
    const { code } = await running.outcome;
    expect(code).toBe(0);
    expect(await residue(tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });
});

describe("labels", () => {
  it("prints what this machine would get, and what is empty", async () => {
    const file = join(folder, "registration.yaml");
    await writeFile(
      file,
      "spec:\n  machineName: ${System Information/Serial Number}-\n  machineInventoryLabels:\n" +
        "    vendor: ${System Information/Manufacturer}\n    asset: ${Chassis Information/Asset Tag}\n" +
        "    cores: ${Hardware/cpu/logicalCores}\n",
    );
    const flags = ["--template", file, "--smbios-dump", join(folder, "dmi"), "--tcti", tpm.tcti];
    const { code, stdout } = await rosAgent(["labels", ...flags, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      name: { value: expect.stringMatching(/^m?-?s1-[a-z0-9]{5}$/) as string },
      labels: {
        vendor: { value: "Test-Inc", empty: [] },
        asset: { value: null, empty: ["Chassis Information/Asset Tag"] },
        cores: { value: expect.stringMatching(/^\d+$/) as string },
      },
    });
  });
});
