/** Replicas that are replaced one by one while machines ask them: what is not answered at once is answered by a retry. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { useNamespace } from "../../control-plane/namespace.ts";
import { channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { connectMachines, type ConnectedMachines } from "../../machine/connected-machines.ts";
import { eventually, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { startServiceProxy, type ServiceProxy } from "../../operator/service-proxy.ts";
import { createFleet } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "rolling");
const folder = mkdtempSync(path.join(tmpdir(), "rolling-"));
/** Measured with a thousand as well: ROLLING_CONNECTIONS=1000. */
const CONNECTIONS = Number(process.env["ROLLING_CONNECTIONS"] ?? 200);
const TPMS = 20;
/** Until a Service sends nobody to a pod any more that has been told to end. */
const ENDPOINTS_LAG_MS = 700;
let service: ServiceProxy;
let replicas: OperatorProcess[];
/** As with maxSurge, each is ready before its predecessor goes. */
let successors: OperatorProcess[];
let machines: ConnectedMachines;
let count = 0;

async function startReplica(): Promise<OperatorProcess> {
  count += 1;
  return startOperator({
    folder,
    name: `replica-${count}`,
    kubeconfigPath: target.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    serverUrl: service.url,
    flags: ["--stop-delay=2"],
  });
}

/** When it said so, since the epoch. */
function timeOf(operator: OperatorProcess, message: string): number {
  const line = operator
    .log()
    .split("\n")
    .find((one) => one.endsWith(`"message":"${message}"}`));
  if (line === undefined) throw new Error(`it did not say ${message}`);
  return Date.parse((JSON.parse(line) as { readonly time: string }).time);
}

/** Waits for so many answers in all; a thousand handshakes take their time. */
async function answered(count: number): Promise<void> {
  const deadline = performance.now() + CONNECTIONS * 75;
  while (machines.totals().answered < count) {
    if (performance.now() > deadline) throw new Error(`${machines.totals().answered} of ${count} requests answered`);
    await sleep(100);
  }
}

const urls = (of: readonly OperatorProcess[]): readonly string[] => of.map(({ httpsUrl }) => httpsUrl);

beforeAll(async () => {
  service = await startServiceProxy();
  // The first one makes what they share.
  replicas = [await startReplica()];
  [replicas[1], ...successors] = await Promise.all([startReplica(), startReplica(), startReplica()]);
  service.setReplicas(urls(replicas));
  const { token } = await makeRegistration(target, namespace, "door");
  const channel = await channelAt(service.url);
  const fleet = createFleet(TPMS);
  const next = (): string => replicas[0]?.httpUrl ?? "";
  const tokens: string[] = [];
  for (let at = 0; at < TPMS; at += 1) {
    const purpose = { kind: "registration", token } as const;
    tokens.push((await visitAttested({ next, tpm: fleet.at(at), channel, purpose })).session.token);
  }
  machines = connectMachines({
    url: service.url,
    sessionTokens: Array.from({ length: CONNECTIONS }, (_, at) => tokens[at % TPMS] ?? ""),
    pauseMs: 2_000,
  });
});

afterAll(async () => {
  await machines.stop();
  await Promise.all([...replicas, ...successors].map((one) => one.stop()));
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe(`a rolling update under ${CONNECTIONS} machines`, () => {
  it("loses no request that a retry does not cover, and each replica is gone within five seconds", async () => {
    await answered(CONNECTIONS);
    const olds = replicas.slice(0, 2);
    for (const old of olds) {
      replicas.push(...successors.splice(0, 1));
      service.setReplicas(urls(replicas));
      const left = replicas.filter((one) => one !== old);
      const stopping = old.stop();
      await eventually(async () => ((await old.isReady()) ? undefined : true), "it says that it stops");
      await sleep(ENDPOINTS_LAG_MS);
      service.setReplicas(urls(left));
      replicas = left;
      await stopping;
      expect(timeOf(old, "stopped") - timeOf(old, "stopping")).toBeLessThan(5_000);
    }
    await answered(machines.totals().answered + CONNECTIONS);
    const { lost, retried, slowestMs, ...all } = await machines.stop();
    console.info(
      `${all.answered} requests answered, ${retried} after a retry, the slowest in ${Math.round(slowestMs)} ms`,
    );
    expect(lost).toEqual([]);
  });
});
