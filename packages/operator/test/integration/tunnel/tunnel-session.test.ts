/** The tunnel against Rancher's own end of it, the Go module remotedialer. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline, Readable, type Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUILD_TIMEOUT_MS } from "../../../../../test/go/build-module.ts";
import { Random } from "../../../../../test/fuzz/random.ts";
import { eventually } from "../../../../../test/operator/objects.ts";
import {
  startRancherTunnel,
  type RancherTunnel,
  type RawAnswer,
} from "../../../../../test/rancher-tunnel/rancher-tunnel.ts";
import { openTunnel, type TunnelSession } from "../../../src/tunnel/io/tunnel-session.ts";
import { PAUSE_BYTES } from "../../../src/tunnel/io/tunnel-stream.ts";

const MIB = 1024 * 1024;
const bytes = new Random(7, 7).bytes(MIB);
const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

let rancher: RancherTunnel;
let session: TunnelSession;
/** What the routes below have written so far. */
let written = 0;
/** Until then /unread leaves its body where it is. */
let mayRead = Promise.withResolvers<void>();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://tunnel");
  if (path === "/echo") {
    // Whole: Go's server reads no more of a request once it is being answered.
    response.end(await buffer(request));
    return;
  }
  if (path === "/unread") {
    // Read late: until then the other side has to hold back.
    await mayRead.promise;
    const hash = createHash("sha256");
    for await (const part of request) hash.update(part as Buffer);
    response.end(hash.digest("hex"));
    return;
  }
  if (path === "/large") {
    response.writeHead(200, { connection: "close" });
    const counted = function* () {
      for (let count = 0; count < Number(query.get("mib")); count += 1) {
        written += bytes.length;
        yield bytes;
      }
    };
    pipeline(Readable.from(counted()), response, () => undefined);
    return;
  }
  if (path === "/break") {
    response.writeHead(200, { "content-length": "1000" });
    response.write("half", () => request.socket.destroy());
    return;
  }
  response.end(`${request.method} ${path} ${String(request.headers["impersonate-user"])}`);
}
const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});

async function open(target: RancherTunnel, token = "t0k3n"): Promise<TunnelSession> {
  return openTunnel({
    target: { url: target.connectUrl.replace("http", "ws"), token, caPem: target.caPem },
    accept: (stream: Duplex) => void server.emit("connection", stream),
    remoteAddress: "tunnel",
    signal: new AbortController().signal,
  });
}

/** Waits until nothing moves any more. @returns what it stands at, which is more than it must be at least */
async function standing(look: () => number, atLeast: number): Promise<number> {
  for (let [last, times] = [-1, 0]; times < 10 || last <= atLeast; times += 1) {
    const now = look();
    if (now !== last) [last, times] = [now, 0];
    await sleep(20);
  }
  return look();
}

async function raw(query: string, body: string): Promise<readonly RawAnswer[]> {
  const response = await fetch(`${rancher.url}/-/raw?${query}`, { method: "POST", body });
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as readonly RawAnswer[];
}

beforeAll(async () => {
  server.on("clientError", (_error, socket) => socket.destroy());
  rancher = await startRancherTunnel({ token: "t0k3n" });
  session = await open(rancher);
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  session.close();
  expect((await session.ended).code).toBe("TUNNEL_ENDED");
  server.close();
  await rancher.kill();
});

describe("through the tunnel", () => {
  it("requests come in and answers go out, with whom Rancher takes the caller for", async () => {
    const response = await fetch(`${rancher.url}/hello`, { method: "PUT" });
    expect(await response.text()).toBe("PUT /hello system:unauthenticated");
  });

  it("32 bodies of 1 MiB go both ways at once, each whole and none in another's place", async () => {
    const bodies = Array.from({ length: 32 }, (_, at) => new Random(at, 3).bytes(MIB));
    const back = await Promise.all(
      bodies.map(async (body) => {
        const response = await fetch(`${rancher.url}/echo`, { method: "POST", body: new Uint8Array(body) });
        return sha256(new Uint8Array(await response.arrayBuffer()));
      }),
    );
    expect(back).toEqual(bodies.map(sha256));
    await eventually(() => Promise.resolve(session.unreadBytes === 0 ? true : undefined), "nothing unread");
  });

  it("the other side's pause holds our sending, and its resume lets it go on, to the last byte", async () => {
    written = 0;
    const reading = raw("hold&read", "GET /large?mib=40 HTTP/1.1\r\nHost: a\r\n\r\n");
    // Its mark is 2 MiB; what is more was on its way.
    expect(await standing(() => written, MIB)).toBeLessThan(30 * MIB);
    await fetch(`${rancher.url}/-/go`);
    const [got] = await reading;
    expect(written).toBe(40 * MIB);
    expect(got).toMatchObject({ end: "EOF", begin: expect.stringContaining("HTTP/1.1 200 OK") as string });
    expect(got?.bytes).toBeGreaterThan(40 * MIB);
  });

  it("our pause holds the other side's sending while nobody reads, and others are served meanwhile", async () => {
    mayRead = Promise.withResolvers();
    const sending = fetch(`${rancher.url}/unread`, { method: "POST", body: new Uint8Array(Buffer.alloc(64 * MIB)) });
    expect(await standing(() => session.unreadBytes, PAUSE_BYTES)).toBeLessThan(32 * MIB);
    for (let count = 0; count < 10; count += 1) {
      expect((await fetch(`${rancher.url}/meanwhile`)).status).toBe(200);
    }
    expect(session.unreadBytes).toBeGreaterThan(PAUSE_BYTES);
    mayRead.resolve();
    expect(await (await sending).text()).toBe(sha256(Buffer.alloc(64 * MIB)));
  });

  it("a connection that breaks at our end breaks for the client, and no other one", async () => {
    await expect(fetch(`${rancher.url}/break`).then((response) => response.text())).rejects.toThrow();
    expect((await fetch(`${rancher.url}/after`)).status).toBe(200);
  });

  it("connections that the other side leaves in the middle leave nothing behind", async () => {
    const left = [
      ...(await raw("connections=50", "")),
      ...(await raw("connections=50", "GET / HT")),
      ...(await raw("connections=50", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf")),
      ...(await raw("connections=5", "GET /large?mib=8 HTTP/1.1\r\nHost: a\r\n\r\n")),
    ];
    expect(left.length).toBe(155);
    await eventually(() => Promise.resolve(session.connections < 10 ? true : undefined), "they are gone");
    await eventually(() => Promise.resolve(session.unreadBytes === 0 ? true : undefined), "nothing unread");
    expect((await fetch(`${rancher.url}/after`)).status).toBe(200);
  });

  it("what is no HTTP ends its own connection", async () => {
    const [got] = await raw("read", "\u0000\u0001 nonsense\r\n\r\n");
    expect(got).toMatchObject({ end: "EOF", bytes: 0 });
  });
});

describe("a dial", () => {
  it("is refused with a wrong token, by its status", async () => {
    await expect(open(rancher, "wrong")).rejects.toMatchObject({
      code: "TUNNEL_REFUSED",
      message: expect.stringMatching(/401$/) as string,
    });
  });
});
