/** Machines that come through Rancher's tunnel: the real remotedialer server, a real operator with the chart's rights, real messages. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Agent, fetch, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { PROTOCOL_PATH } from "@rancheros/protocol/attestation";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { BUILD_TIMEOUT_MS } from "../../go/build-module.ts";
import { buildLegacyPrograms } from "../../go/build.ts";
import { runLegacyClient } from "../../go/legacy-client.ts";
import { refusalOf, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { eventually, listInventories, makeRegistration, removeInventories } from "../../operator/objects.ts";
import { startRancherTunnel, type RancherTunnel, type RawAnswer } from "../../rancher-tunnel/rancher-tunnel.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";
import { writeSystemTables } from "../../smbios/system-tables.ts";
import { startSwtpm } from "../../swtpm/index.ts";
import { runRosAgent } from "../interop/ros-agent.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "tunnel");
const folder = mkdtempSync(path.join(tmpdir(), "tunnel-"));
const tlsFolder = path.join(folder, "rancher");
const TOKEN = "canary-tunnel-token";
const MACHINES = 10;
const UNKNOWN_TOKEN = "b".repeat(54);

let rancher: RancherTunnel;
let operator: OperatorProcess;

function setSecret(data: Readonly<Record<string, string>>): Promise<unknown> {
  const metadata = { name: "rancheros-operator", namespace };
  return applyObjects(target, { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, stringData: data });
}

const secretOf = ({ connectUrl, caPem = "" }: RancherTunnel): Readonly<Record<string, string>> => ({
  url: connectUrl,
  token: TOKEN,
  "ca.crt": caPem,
});

/** What who watches the operator sees of it. */
async function seen(): Promise<Readonly<Record<string, number>>> {
  const samples = await readSamples(operator.healthUrl);
  const ours = samples.filter(({ name }) => name.startsWith("rancheros_tunnel"));
  return Object.fromEntries(
    ours.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(" ").slice(17).trim(), value]),
  );
}

/** Until the operator answers through the tunnel. */
async function untilOpen(): Promise<void> {
  await eventually(async () => {
    try {
      return (await fetch(`${rancher.url}/v1-rancheros/cacerts`)).status === 200 ? true : undefined;
    } catch {
      return undefined;
    }
  }, "an open tunnel");
}

async function raw(query: string, body: string): Promise<RawAnswer> {
  const response = await fetch(`${rancher.url}/-/raw?read&${query}`, { method: "POST", body });
  const [answer] = (await response.json()) as readonly RawAnswer[];
  if (answer === undefined) throw new Error("no answer");
  return answer;
}

/** Other files run in this process afterwards. */
const usual = getGlobalDispatcher();

beforeAll(async () => {
  await buildLegacyPrograms();
  rancher = await startRancherTunnel({ token: TOKEN, tlsFolder });
  // What speaks to it from here believes its certificate, as a machine that was given the CA.
  setGlobalDispatcher(new Agent({ connect: { ca: rancher.caPem } }));
  operator = await startOperator({
    folder,
    kubeconfigPath: target.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    serverUrl: rancher.url,
    flags: [`--channel-keys=${rancher.channel?.toString("hex")}`, "--unknown-token-rate=5"],
  });
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  setGlobalDispatcher(usual);
  await operator.stop();
  await rancher.kill();
  expect(operator.log()).not.toContain(TOKEN);
  rmSync(folder, { recursive: true, force: true });
});

describe("Rancher's tunnel", () => {
  it("is opened when Rancher has written its Secret, and there is no word about it before", async () => {
    expect(operator.log()).not.toMatch(/tunnel/i);
    expect(await seen()).toMatchObject({ none: 1, down: 0, open: 0, opened_timestamp_seconds: 0 });
    expect((await fetch(`${rancher.url}/v1-rancheros/cacerts`)).status).toBe(502);
    await setSecret({ url: "", token: "" });
    await setSecret(secretOf(rancher));
    await untilOpen();
    expect(operator.log()).toContain("the tunnel to Rancher is open");
    const open = await seen();
    expect(open).toMatchObject({ none: 0, down: 0, open: 1, "dials_total opened": 1, "dials_total failed": 0 });
    expect(Math.abs(Date.now() / 1_000 - (open["opened_timestamp_seconds"] ?? 0))).toBeLessThan(60);
    expect(operator.log()).not.toMatch(/"level":"(warn|error)"[^\n]*tunnel/i);
  });

  it(`lets ${MACHINES} machines in at once by each protocol, from no address that one limit could be for`, async () => {
    const { token } = await makeRegistration(target, namespace, "door", { rateLimit: { perSourcePerMinute: 1 } });
    const ak = generateAttestationKey("rsa");
    const channel = rancher.channel ?? Buffer.alloc(0);
    const machines = Array.from({ length: 2 * MACHINES }, () => createSoftwareTpm({ ak }));
    const url = `${rancher.url}/v1-rancheros/registration/${token}`;
    const outcomes = await Promise.all(
      machines.map(async (tpm, at) => {
        const purpose = { kind: "registration", token } as const;
        if (at < MACHINES) return (await visitAttested({ next: () => rancher.url, tpm, channel, purpose })).approval;
        return (await visit({ url, tpm, ...(rancher.caPem === undefined ? {} : { caPem: rancher.caPem }) })).close
          ?.code;
      }),
    );
    expect(outcomes).toEqual([...Array<string>(MACHINES).fill("Approved"), ...Array<number>(MACHINES).fill(1000)]);
    const stored = (await listInventories(target, namespace)).map(({ spec }) => spec["tpm"]);
    expect(new Set(stored)).toEqual(new Set(machines.map(({ ekHash }) => ekHash)));
    const decisions = operator
      .log()
      .split("\n")
      .filter((line) => line.includes("MACHINE_REGISTERED"));
    expect(decisions.length).toBe(2 * MACHINES);
    expect(decisions.every((line) => line.includes('"remote":"tunnel"'))).toBe(true);
    await removeInventories(target, namespace);
  });

  it("lets ros-agent with a TPM in, which sees Rancher's certificate only", async () => {
    const { url } = await makeRegistration(target, namespace, "agent", { machineName: "agent" });
    expect(url.startsWith(rancher.url)).toBe(true);
    const [caFile, dmi] = [path.join(tlsFolder, "tls.crt"), path.join(folder, "dmi")];
    writeSystemTables(dmi, {
      manufacturer: "Dell Inc.",
      productName: "PowerEdge R640",
      serialNumber: "7X9KQ13",
      uuidHex: "4c4c4544005810398039b7c04f513133",
    });
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "tpm"), withEkCertificate: false });
    try {
      const flags = ["--ca-cert", caFile, "--smbios-dump", dmi, "--tcti", tpm.tcti, "--json"];
      const outcome = await runRosAgent(["register", url, ...flags]);
      expect(outcome.status, outcome.stderr + outcome.stdout).toBe(0);
    } finally {
      await tpm.stop();
    }
    expect((await listInventories(target, namespace)).map(({ metadata }) => metadata.name)).toEqual([
      expect.stringMatching(/^agent/),
    ]);
    await removeInventories(target, namespace);
  });

  it("lets a machine built like rancherd in, whose one read must find the whole challenge", async () => {
    const { url } = await makeRegistration(target, namespace, "go", { machineName: "go" });
    const tpm = await startSwtpm({ stateFolder: path.join(folder, "go-tpm"), withEkCertificate: false });
    try {
      const flags = ["--tpm", `127.0.0.1:${tpm.port}`, "--ca", path.join(tlsFolder, "tls.crt"), "--show-close"];
      const outcome = await runLegacyClient(["register", url, ...flags]);
      expect(outcome.stderr).toContain("end of session: websocket: close 1000 (normal)");
      expect(JSON.parse(outcome.stdout)).toMatchObject({ rancherd: { server: rancher.url, token: "tpm://" } });
      const asked = await runLegacyClient(["cacerts", rancher.url, ...flags.slice(0, 2), "--token", "tpm://"]);
      expect(asked.stderr).toMatch(/^checksum [0-9a-f]{64}\n/);
    } finally {
      await tpm.stop();
    }
    await removeInventories(target, namespace);
  });

  it("makes who guesses tokens wait, and nobody else", async () => {
    const { token } = await makeRegistration(target, namespace, "beside");
    const channel = rancher.channel ?? Buffer.alloc(0);
    const attempt = (tried: string): Promise<unknown> =>
      visitAttested({
        next: () => rancher.url,
        tpm: createSoftwareTpm(),
        channel,
        purpose: { kind: "registration", token: tried },
      });
    const refusals: string[] = [];
    for (let count = 0; count < 7; count += 1) refusals.push(await refusalOf(attempt(UNKNOWN_TOKEN)));
    expect(refusals[0]).toBe("403 REGISTRATION_UNKNOWN");
    expect(refusals.at(-1)).toBe("429 REGISTRATION_RATE");
    await attempt(token);
    await removeInventories(target, namespace);
  });

  it("holds the listeners' limits: bodies, headers, and how long a request may take", async () => {
    const headers = { "content-type": "application/json" };
    const large = await fetch(`${rancher.url}${PROTOCOL_PATH}/nonce`, {
      method: "POST",
      headers,
      body: Buffer.alloc(1024 * 1024, " "),
    });
    expect([large.status, await large.text()]).toEqual([413, expect.stringContaining("REQUEST_TOO_LARGE")]);
    const [overlong, slow] = await Promise.all([
      raw("", `GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: a\r\nX-Cattle-Smbios: ${"x".repeat(40_000)}\r\n\r\n`),
      raw("", "GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: a\r\n"),
    ]);
    expect(overlong).toMatchObject({ begin: expect.stringMatching(/^HTTP\/1\.1 431 /) as string, end: "EOF" });
    expect(slow).toMatchObject({ begin: expect.stringMatching(/^HTTP\/1\.1 408 /) as string, end: "EOF" });
    expect(slow.millis).toBeGreaterThan(9_000);
    // Kept for another request, but not for long.
    const idle = await raw("", "GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(idle).toMatchObject({ begin: expect.stringMatching(/^HTTP\/1\.1 200 /) as string, end: "EOF" });
    expect(idle.millis).toBeLessThan(20_000);
  });

  it("is opened again when Rancher was killed and is back, and machines that were cut off come in", async () => {
    const { token } = await makeRegistration(target, namespace, "again");
    await rancher.kill();
    await eventually(
      () => Promise.resolve(/tunnel to Rancher is down/.test(operator.log()) ? true : undefined),
      "it is noticed",
    );
    const down = await eventually(async () => {
      const now = await seen();
      return (now["dials_total failed"] ?? 0) > 0 ? now : undefined;
    }, "an attempt in vain");
    expect(down).toMatchObject({ none: 0, down: 1, open: 0, opened_timestamp_seconds: 0 });
    rancher = await startRancherTunnel({ token: TOKEN, tlsFolder, port: rancher.port });
    await untilOpen();
    const purpose = { kind: "registration", token } as const;
    const channel = rancher.channel ?? Buffer.alloc(0);
    const came = await visitAttested({ next: () => rancher.url, tpm: createSoftwareTpm(), channel, purpose });
    expect(came.approval).toBe("Approved");
    expect(await seen()).toMatchObject({ open: 1, "dials_total opened": 2 });
  });

  it("moves when the Secret names another address, and ends with the Secret", async () => {
    const before = rancher;
    rancher = await startRancherTunnel({ token: TOKEN, tlsFolder });
    try {
      await setSecret(secretOf(rancher));
      await untilOpen();
      expect((await fetch(`${before.url}/v1-rancheros/cacerts`)).status).toBe(502);
      await kubectl(target, ["delete", "secret", "rancheros-operator", `--namespace=${namespace}`]);
      await eventually(async () => {
        return (await fetch(`${rancher.url}/v1-rancheros/cacerts`)).status === 502 ? true : undefined;
      }, "a closed tunnel");
      // Rancher may see its end of it closed first.
      const after = await eventually(async () => {
        const now = await seen();
        return now["open"] === 0 ? now : undefined;
      }, "a tunnel that is shown as closed");
      expect(after).toMatchObject({ none: 1, down: 0 });
    } finally {
      await before.kill();
    }
  });

  it("is not opened to whom the CA does not vouch for, nor where the CA is empty; both are said once, with what to do", async () => {
    const linesWith = (code: string): readonly string[] =>
      operator
        .log()
        .split("\n")
        .filter((line) => line.includes(code) && !line.includes('"level":"debug"'));
    const other = await startRancherTunnel({ token: TOKEN, tlsFolder: path.join(folder, "other") });
    await other.kill();
    await setSecret({ ...secretOf(rancher), "ca.crt": other.caPem ?? "" });
    await eventually(() => Promise.resolve(linesWith("TUNNEL_UNTRUSTED")[0]), "a certificate that is not believed");
    await setSecret({ ...secretOf(rancher), "ca.crt": "" });
    const line = await eventually(() => Promise.resolve(linesWith("TUNNEL_SECRET_INVALID")[0]), "the empty CA");
    expect(line).toContain("ca.crt is empty");
    expect(await seen()).toMatchObject({ none: 0, down: 1, open: 0 });
    expect([linesWith("TUNNEL_UNTRUSTED").length, linesWith("TUNNEL_SECRET_INVALID").length]).toEqual([1, 1]);
    await setSecret(secretOf(rancher));
    await untilOpen();
  });
});
