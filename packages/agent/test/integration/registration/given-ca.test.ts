/** CAs that somebody gave, as Go's TLS takes them: whichever certificate was given is where trust begins. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createAuthority } from "../../../../../test/registration/authority.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import { httpGet } from "../../../src/registration/io/http-get.ts";
import { connectServer } from "../../../src/registration/io/server-connection.ts";

const root = createAuthority("root");
const intermediate = root.intermediate("intermediate");
const served = intermediate.issue({ names: ["127.0.0.1"] });
let server: StrangeServer;

beforeEach(async () => {
  server = await startStrangeServer((_request, response) => void response.end("hello"), served);
});
afterEach(() => server.stop());

async function inConversation(ca: string): Promise<number> {
  const url = new URL(`https://${server.host}/`);
  const connection = connectServer({ url, proxy: undefined, ca });
  const signal = AbortSignal.timeout(10_000);
  try {
    const request = { method: "GET", url, headers: {}, body: Buffer.alloc(0), maxBodyBytes: 100, signal } as const;
    return (await connection.send(request)).status;
  } finally {
    connection.close();
  }
}

async function once(ca: string): Promise<number> {
  const answer = await httpGet({
    url: new URL(`https://${server.host}/`),
    proxy: undefined,
    ca,
    verification: "certificate",
    maxBodyBytes: 100,
    signal: AbortSignal.timeout(10_000),
  });
  return answer.status;
}

describe.each([
  ["a conversation", inConversation],
  ["one request", once],
])("in %s, a certificate that comes from an intermediate CA, and alone", (_how, ask) => {
  it.each([
    ["that CA", intermediate.certificatePem],
    ["the server's own certificate", served.cert],
  ])("is trusted where %s was given", async (_what, ca) => {
    expect(await ask(ca)).toBe(200);
  });

  it.each([
    ["the root CA, from which nothing leads to it", root.certificatePem],
    ["another server's certificate from the same CA", intermediate.issue({ names: ["127.0.0.1"] }).cert],
    ["another CA of that name", root.intermediate("intermediate").certificatePem],
  ])("is not trusted by %s", async (_what, ca) => {
    await expect(ask(ca)).rejects.toMatchObject({
      code: "REGISTRATION_TLS_UNTRUSTED",
      details: { reason: "unknown-authority" },
    });
  });
});
