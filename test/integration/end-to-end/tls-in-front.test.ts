/** Something else ends TLS in front of the operator: our agent refuses to be relayed, unless the operator was told of that key. */
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { channelOf } from "@rancheros/protocol/attestation";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { listInventories, removeInventories } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { startTlsProxy, type TlsProxy } from "../../operator/tls-proxy.ts";
import { createAuthority } from "../../registration/authority.ts";
import { runRosAgent, type AgentOutcome } from "../interop/ros-agent.ts";
import { useAgent } from "./use-agent.ts";

const target = inject("controlPlane");
const agent = useAgent(target, "tls-in-front");
const { used } = agent;
const { namespace, folder } = used;
const proxyCa = path.join(folder, "proxy-ca.pem");
const authority = createAuthority("Example load balancer CA");
const certificate = authority.issue({ names: ["127.0.0.1"] });
let told: OperatorProcess;
let lax: OperatorProcess;
let token: string;
let proxies: readonly TlsProxy[];

function channelOfPem(pem: string): string {
  return channelOf(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" })).toString("hex");
}

beforeAll(async () => {
  writeFileSync(proxyCa, authority.certificatePem);
  const replica = async (name: string, channels: string): Promise<OperatorProcess> =>
    startOperator({
      folder,
      name,
      kubeconfigPath: target.kubeconfigPath,
      namespace,
      watchNamespace: namespace,
      serverUrl: used.operator.httpsUrl,
      flags: [`--channel-keys=${channels}`],
    });
  told = await replica("told", `${"1".repeat(64)},${channelOfPem(certificate.cert)}`);
  lax = await replica("lax", "none");
  proxies = await Promise.all([used.operator, told].map((one) => startTlsProxy(one.httpUrl, certificate)));
  token = (await used.makeDoor("door", { cloudConfig: { hostname: "canary-host" } })).token;
});

afterAll(async () => {
  await Promise.all([...proxies, told, lax].map((one) => one.stop()));
});

async function registerAt(origin: string | undefined, ...flags: readonly string[]): Promise<AgentOutcome> {
  const url = `${origin}/v1-rancheros/registration/${token}`;
  const machine = ["--smbios-dump", agent.dmi, "--tcti", agent.tpm.tcti];
  return runRosAgent(["register", url, ...machine, ...flags, "--json"]);
}

async function refusedWith(code: string, outcome: Promise<AgentOutcome>): Promise<void> {
  const { status, stdout } = await outcome;
  expect([status, stdout]).toEqual([5, expect.stringContaining(`"${code}"`)]);
  expect(stdout).not.toContain("canary-host");
  expect(await listInventories(target, namespace)).toEqual([]);
}

async function joins(outcome: Promise<AgentOutcome>): Promise<void> {
  const { status, stdout, stderr } = await outcome;
  expect(status, stderr).toBe(0);
  expect(stdout).toContain("canary-host");
  expect(await listInventories(target, namespace)).toHaveLength(1);
  await removeInventories(target, namespace);
}

describe("a proxy that ends TLS with a key of its own", () => {
  it("is refused where the operator knows nothing of it, though the machine trusts its certificate", async () => {
    await refusedWith("CHANNEL_MISMATCH", registerAt(proxies[0]?.httpsUrl, "--ca-cert", proxyCa));
  });

  it("is taken where --channel-keys names its key, and the operator's own listener still is", async () => {
    await joins(registerAt(proxies[1]?.httpsUrl, "--ca-cert", proxyCa));
    await joins(registerAt(told.httpsUrl, "--ca-cert", agent.caFile));
  });
});

describe("no TLS at all", () => {
  it("is refused, by the machine and by the operator", async () => {
    const outcome = await registerAt(used.operator.httpUrl);
    expect([outcome.status, outcome.stdout + outcome.stderr]).toEqual([2, expect.stringContaining("--allow-http")]);
    await refusedWith("CHANNEL_MISMATCH", registerAt(used.operator.httpUrl, "--allow-http"));
    await refusedWith("CHANNEL_MISMATCH", registerAt(told.httpUrl, "--allow-http"));
  });

  it("is taken in a laboratory, with --channel-keys=none and --allow-http", async () => {
    await joins(registerAt(lax.httpUrl, "--allow-http"));
  });
});
