/** Deadlines of requests to an API server that does not even take the connection. */
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectKubernetes } from "../../../src/controller/index.ts";
import { createRegistryClient } from "../../../src/registry/index.ts";
import { listenWithFullBacklog, type FullBacklog } from "./full-backlog.ts";

/** undici itself gives a connection up after ten seconds. */
const CONNECT_MS = 10_000;
let silent: FullBacklog;

beforeAll(async () => {
  silent = await listenWithFullBacklog();
});

afterAll(() => silent.stop());

function kubernetes() {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "c", server: `https://127.0.0.1:${silent.port}`, skipTLSVerify: false },
    { name: "u" },
  );
  return connectKubernetes(config);
}

/** By the order of timers, not by a clock: where the machine stood still and both are due, the earlier one still comes first. */
async function expectBeforeConnectEnds(work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const late = sleep(CONNECT_MS / 2, "late", { signal: over.signal }).catch(() => "over");
  expect(await Promise.race([work.then(() => "in time"), late])).toBe("in time");
  over.abort();
}

it("a request ends with its deadline while the connection is being made", async () => {
  const asked = kubernetes().send({ method: "GET", path: "/version", timeoutMs: 300 });
  await expectBeforeConnectEnds(expect(asked).rejects.toMatchObject({ code: "KUBERNETES_TIMEOUT" }));
});

it("a watch ends with its signal while the connection is being made", async () => {
  const asked = kubernetes().open("/api/v1/namespaces?watch=1", AbortSignal.timeout(300), 60_000);
  await expectBeforeConnectEnds(expect(asked).rejects.toMatchObject({ code: "KUBERNETES_TIMEOUT" }));
});

it("a registry is given up with the deadline of the request", async () => {
  const client = createRegistryClient({ caPem: undefined, environment: {} });
  const url = new URL(`http://127.0.0.1:${silent.port}/v2/`);
  const limits = { bodyLimitBytes: 1_000, timeoutMs: 300, signal: undefined };
  const asked = client.send({ method: "GET", url, headers: {}, ...limits });
  await expectBeforeConnectEnds(expect(asked).rejects.toMatchObject({ code: "REGISTRY_TIMEOUT" }));
  await client.close();
});
