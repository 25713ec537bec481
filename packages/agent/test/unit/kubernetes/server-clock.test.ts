/** The client on clocks that a test sets; that a real answer's date arrives is in the integration tests. */
import { describe, expect, it } from "vitest";

import type { RawAnswer } from "../../../src/kubernetes/api-answer.ts";
import { askedAgain } from "../../../src/kubernetes/asked-again.ts";
import { createClient, type KubernetesClient } from "../../../src/kubernetes/kubernetes-client.ts";

const SERVER_MS = Date.UTC(2026, 10, 25, 14, 36, 37);
const HOUR_MS = 3_600_000;
const VERSION = { method: "GET", path: "/version", signal: new AbortController().signal } as const;

interface Scene {
  readonly client: KubernetesClient;
  readonly clocks: { wallMs: number; nowMs: number };
  /** The next answer's. */
  answer: Omit<RawAnswer, "retryAfter">;
}

async function open(wallMs: number): Promise<Scene> {
  const clocks = { wallMs, nowMs: 5_000 };
  const outside = {
    wallMs: () => clocks.wallMs,
    pairRefusal: () => undefined,
    nowMs: () => clocks.nowMs,
    readFile: () => Promise.reject(new Error("there are no files")),
    openConnection: () => ({
      request: () => Promise.resolve({ ...scene.answer, retryAfter: undefined }),
      close: () => undefined,
    }),
  };
  const client = await createClient(outside, {
    path: "/kubeconfig",
    server: new URL("https://server:6443"),
    tlsServerName: undefined,
    ca: undefined,
    skipTlsVerify: false,
    proxy: undefined,
    clientCertificate: undefined,
    token: "t",
    tokenFile: undefined,
  });
  const scene: Scene = { client, clocks, answer: dated(new Date(SERVER_MS).toUTCString()) };
  return scene;
}

function dated(date: string | undefined, status = 200): Scene["answer"] {
  return { status, date, body: Buffer.from("{}") };
}

describe("the API server's clock", () => {
  it("is the node's own until there was an answer, and its from then on", async () => {
    const { client, clocks } = await open(SERVER_MS + HOUR_MS);
    expect(client.serverMs()).toBe(SERVER_MS + HOUR_MS);
    await client.send(VERSION);
    expect(client.serverMs()).toBe(SERVER_MS);
    clocks.wallMs += 7_000;
    clocks.nowMs += 7_000;
    expect(client.serverMs()).toBe(SERVER_MS + 7_000);
  });

  it.each([HOUR_MS, -HOUR_MS])("goes on where the node's own is set by %d ms between two answers", async (jumpMs) => {
    const { client, clocks } = await open(SERVER_MS);
    await client.send(VERSION);
    clocks.wallMs += jumpMs + 2_000;
    clocks.nowMs += 2_000;
    expect(client.serverMs()).toBe(SERVER_MS + 2_000);
    expect(askedAgain(client, () => Promise.resolve()).serverMs()).toBe(SERVER_MS + 2_000);
  });

  it("is not believed of a refusal, nor where a header is no date", async () => {
    const scene = await open(SERVER_MS);
    const { client } = scene;
    await client.send(VERSION);
    scene.answer = dated(new Date(SERVER_MS + HOUR_MS).toUTCString(), 502);
    await expect(client.send(VERSION)).rejects.toMatchObject({ code: "NODE_API_FAILED" });
    for (const date of [undefined, "", "soon", "7", "2027-01-01", "Abc, 99 Def 2026 99:99:99 GMT"]) {
      scene.answer = dated(date);
      await client.send(VERSION);
    }
    expect(client.serverMs()).toBe(SERVER_MS);
  });
});
