/** Deadlines of requests to an API server that does not even take the connection. */
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

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

it("a request ends with its deadline while the connection is being made", async () => {
  const tookMs = await msOf(async () => {
    const asked = kubernetes().send({ method: "GET", path: "/version", timeoutMs: 300 });
    await expect(asked).rejects.toMatchObject({ code: "KUBERNETES_TIMEOUT" });
  });
  expect(tookMs).toBeLessThan(CONNECT_MS / 2);
});

it("a watch ends with its signal while the connection is being made", async () => {
  const tookMs = await msOf(async () => {
    const asked = kubernetes().open("/api/v1/namespaces?watch=1", AbortSignal.timeout(300), 60_000);
    await expect(asked).rejects.toMatchObject({ code: "KUBERNETES_TIMEOUT" });
  });
  expect(tookMs).toBeLessThan(CONNECT_MS / 2);
});

it("a registry is given up with the deadline of the request", async () => {
  const client = createRegistryClient({ caPem: undefined, environment: {} });
  const url = new URL(`http://127.0.0.1:${silent.port}/v2/`);
  const tookMs = await msOf(async () => {
    const asked = client.send({
      method: "GET",
      url,
      headers: {},
      bodyLimitBytes: 1_000,
      timeoutMs: 300,
      signal: undefined,
    });
    await expect(asked).rejects.toMatchObject({ code: "REGISTRY_TIMEOUT" });
  });
  expect(tookMs).toBeLessThan(CONNECT_MS / 2);
  await client.close();
});
