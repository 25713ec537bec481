/** A process that makes MachineInventories at the API server as fast as one client can. */
import { createHash } from "node:crypto";
import type { Agent } from "undici";
import { apiAgent, COLLECTION, type ApiAccess, type StoredInventory } from "../inventories.ts";
import { inFlight } from "./in-flight.ts";
import { serveJobs } from "./worker.ts";

export interface CreatingJob {
  readonly access: ApiAccess;
  /** One that the operator made: the same object is made again, with other names and hashes. */
  readonly pattern: StoredInventory;
  readonly namespace: string;
  readonly registration: string;
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
}

serveJobs<CreatingJob>((job) => {
  const agent = apiAgent(job.access, job.inFlight);
  const bodies = Array.from({ length: job.count }, (_, index) => body(job, job.first + index));
  return async () => {
    const latenciesMs: number[] = [];
    const startedMs = performance.now();
    await inFlight(job.count, job.inFlight, async (index) => {
      latenciesMs.push(await create(job, agent, bodies[index] ?? ""));
    });
    const durationMs = performance.now() - startedMs;
    await agent.close();
    return { durationMs, latenciesMs };
  };
});

function body({ pattern, namespace, registration }: CreatingJob, number: number): string {
  const tpm = createHash("sha256").update(`${registration}/${number}`).digest("hex");
  const { labels } = pattern.metadata;
  const serial = number.toString(16).padStart(8, "0").toUpperCase();
  const [, oldSerial = ""] = /"Serial Number":"([0-9A-F]{8})"/.exec(JSON.stringify(pattern.spec.smbios)) ?? [];
  const smbios: unknown = JSON.parse(JSON.stringify(pattern.spec.smbios).replaceAll(oldSerial, serial));
  return JSON.stringify({
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineInventory",
    metadata: {
      name: `${pattern.metadata.name.slice(0, -13)}${tpm.slice(0, 13)}`,
      namespace,
      labels: { ...labels, "rancheros.cattle.io/machine-registration": registration },
      annotations: {},
      finalizers: pattern.metadata.finalizers ?? [],
    },
    spec: { tpm, smbios },
  });
}

async function create({ access, namespace }: CreatingJob, agent: Agent, content: string): Promise<number> {
  const startedMs = performance.now();
  const answer = await agent.request({
    origin: access.serverUrl,
    path: `${COLLECTION}/${namespace}/machineinventories`,
    method: "POST",
    headers: {
      authorization: `Bearer ${access.token}`,
      accept: "application/json",
      "content-type": "application/json",
    },
    body: content,
  });
  // The object comes back and is read, as every client that makes one does.
  const made: unknown = JSON.parse(await answer.body.text());
  if (answer.statusCode !== 201) throw new Error(`not made: ${JSON.stringify(made)}`);
  return performance.now() - startedMs;
}
