/** What dishonest, broken and slow clients get: a code, a sentence, an end in time, and nothing in the API server. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { encodeChallengeResponse } from "@rancheros/protocol/messages";
import { useNamespace } from "../../control-plane/namespace.ts";
import { answerOf, dial, visit, type Closed, type Opened } from "../../machine/visit.ts";
import { eventually, listInventories, makeRegistration, removeInventories } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "hostile");
const folder = mkdtempSync(path.join(tmpdir(), "hostile-"));
const ak = generateAttestationKey("rsa");
const newTpm = () => createSoftwareTpm({ ak });
let operator: OperatorProcess;
let url: string;

beforeAll(async () => {
  operator = await startOperator({
    folder,
    kubeconfigPath: target.kubeconfigPath,
    namespace,
    watchNamespace: namespace,
    flags: ["--max-sessions=40"],
  });
  const { token } = await makeRegistration(target, namespace, "door");
  url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
});

afterAll(async () => {
  // Whatever was tried above: nobody came in.
  try {
    expect(await listInventories(target, namespace)).toEqual([]);
  } finally {
    await operator.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Reason codes of the refusals that were logged since. */
function reasons(before: string): readonly string[] {
  const lines = operator.log().slice(before.length).trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { reason?: string }).reason ?? "");
}

async function challenged(tpm = newTpm()): Promise<Opened & { challenge: Buffer }> {
  const opened = await dial({ url, tpm });
  if (opened.kind !== "opened") throw new Error(`refused: ${opened.body}`);
  const challenge = await opened.next();
  if (!Buffer.isBuffer(challenge)) throw new Error(`closed: ${challenge.reason}`);
  return { ...opened, challenge };
}

function smbiosHeader(tree: unknown): Record<string, string> {
  return { "X-Cattle-Smbios": Buffer.from(JSON.stringify(tree)).toString("base64") };
}

function nested(depth: number): unknown {
  return depth === 0 ? "leaf" : { deeper: nested(depth - 1) };
}

describe("before the challenge", () => {
  it.each([
    ["no Authorization", {}, "AUTHORIZATION_MISSING", "Unauthorized"],
    ["Basic", { Authorization: "Basic eDp5" }, "AUTHORIZATION_UNSUPPORTED", "this Authorization is not supported"],
    [
      "a shared secret",
      { Authorization: "Bearer eDp5" },
      "AUTHORIZATION_UNSUPPORTED",
      "this Authorization is not supported",
    ],
    ["no base64", { Authorization: "Bearer TPM%%%" }, "MESSAGE_NOT_BASE64", "illegal base64 data at input byte 0"],
    ["no JSON", { Authorization: "Bearer TPMYWJj" }, "MESSAGE_NOT_JSON", "JSON"],
    ["no keys", { Authorization: "Bearer TPMe30=" }, "MESSAGE_FIELDS", "EK: is missing; AK: is missing"],
  ])("%s is a 401 with a sentence", async (_what, headers, code, text) => {
    const before = operator.log();
    const result = await dial({ url, headers });
    expect(result).toMatchObject({ kind: "refused", status: 401, body: expect.stringContaining(text) as string });
    expect(reasons(before)).toEqual([code]);
  });

  it.each([
    ["no base64", { "X-Cattle-Smbios": "%%%" }, 401],
    ["no JSON", { "X-Cattle-Smbios": "YWJj" }, 401],
    ["no object", smbiosHeader(["a"]), 401],
    ["numbers", smbiosHeader({ a: 1 }), 401],
    ["deeper than 8", smbiosHeader(nested(9)), 401],
    [
      "10,000 keys",
      smbiosHeader(Object.fromEntries(Array.from({ length: 10_000 }, (_, key) => [key.toString(36), ""]))),
      431,
    ],
    [
      "2,001 keys",
      smbiosHeader(Object.fromEntries(Array.from({ length: 2_001 }, (_, key) => [key.toString(36), ""]))),
      401,
    ],
    ["1 MB", { "X-Cattle-Smbios": "A".repeat(1_000_000) }, 431],
    [
      "broken UTF-8",
      { "X-Cattle-Smbios": Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d]).toString("base64") },
      401,
    ],
  ])("SMBIOS of %s is refused", async (_what, headers, status) => {
    // A client that is still writing its megabyte may see the connection break before it reads the answer.
    const result = await dial({ url, tpm: newTpm(), headers }).catch((error: unknown) => error);
    if (result instanceof Error)
      expect([431, String(result)]).toEqual([status, expect.stringMatching(/ECONNRESET|EPIPE/)]);
    else expect(result).toMatchObject({ kind: "refused", status });
  });

  it.each([
    ["RSA-1024", { ekRsaBits: 1024 }, "EK_TOO_SHORT"],
    ["ECC", { ekType: "ec" as const }, "EK_NOT_LEGACY"],
    ["RSA-3072", { ekRsaBits: 3072 }, "EK_SIZE_UNSUPPORTED"],
  ])("an endorsement key of %s is refused", async (_what, options, code) => {
    const before = operator.log();
    const result = await dial({ url, tpm: createSoftwareTpm({ ak, ...options }) });
    expect(result).toMatchObject({ kind: "refused", status: 401 });
    expect(reasons(before)).toEqual([code]);
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])("%s is a 405", async (method) => {
    for (const endpoint of [
      url,
      `${operator.httpUrl}/v1-rancheros/inventory`,
      `${operator.httpUrl}/v1-rancheros/cacerts`,
    ]) {
      const answer = await fetch(endpoint, { method });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"]);
    }
  });

  it.each([
    "/",
    "/x/cacerts",
    "/v1-rancheros",
    "/v1-rancheros/whatever",
    "/v1-rancheros/inventory/x",
    "/V1-rancheros/inventory",
  ])("%s is a 404, whatever it asks", async (where) => {
    expect((await fetch(operator.httpUrl + where)).status).toBe(404);
    expect(await dial({ url: operator.httpUrl + where, tpm: newTpm() })).toMatchObject({
      kind: "refused",
      status: 404,
    });
  });

  it("a TPM without websocket is told to upgrade", async () => {
    const answer = await fetch(url, { headers: { Authorization: newTpm().authorization() } });
    expect([answer.status, answer.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });

  it("an unknown token is a 401 for who knows no better", async () => {
    const wrong = `${operator.httpUrl}/v1-rancheros/registration/nosuchtoken`;
    expect(await visit({ url: wrong, tpm: newTpm() })).toMatchObject({
      status: 401,
      text: "MachineRegistration does not exist",
    });
    const empty = await fetch(`${operator.httpUrl}/v1-rancheros/registration/`);
    expect([empty.status, await empty.text()]).toEqual([401, "MachineRegistration does not exist\n"]);
  });
});

describe("after the challenge", () => {
  const wrong = encodeChallengeResponse({ secret: Buffer.alloc(32) });
  it.each<[string, string | Buffer, number, string]>([
    ["a wrong secret", wrong, 1008, "CHALLENGE_FAILED"],
    ["a short secret", encodeChallengeResponse({ secret: Buffer.alloc(8) }), 1008, "CHALLENGE_FAILED"],
    ["nonsense", "nonsense", 1008, "MESSAGE_NOT_JSON"],
    ["no secret", "{}", 1008, "MESSAGE_FIELDS"],
    ["nothing", "", 1008, "MESSAGE_NOT_JSON"],
    ["60 KiB", "x".repeat(60 * 1024), 1008, "MESSAGE_TOO_LARGE"],
    ["1 MB", "x".repeat(1_000_000), 1009, "SESSION_BROKEN"],
  ])("%s ends the session with a reason", async (_what, answer, code, reason) => {
    const before = operator.log();
    const session = await challenged();
    session.socket.send(answer);
    const close = await session.closed();
    expect(close.code).toBe(code);
    await eventually(async () => (reasons(before).length > 0 ? true : undefined), "the log line");
    expect(reasons(before)).toEqual([reason]);
  });

  it("the answer to another machine's challenge is wrong", async () => {
    const tpm = newTpm();
    const [one, two] = [await challenged(tpm), await challenged(tpm)];
    two.socket.send(answerOf(tpm, one.challenge));
    expect(await two.closed()).toEqual({ code: 1008, reason: "the answer to the challenge is wrong" });
    one.socket.terminate();
  });

  it("two answers in one breath get no config, be they right or wrong", async () => {
    const tpm = newTpm();
    const session = await challenged(tpm);
    session.socket.send(wrong);
    session.socket.send(answerOf(tpm, session.challenge));
    expect((await session.closed()).code).toBe(1008);
    const right = newTpm();
    const other = await challenged(right);
    const answer = answerOf(right, other.challenge);
    other.socket.send(answer);
    other.socket.send(answer);
    expect(await other.next()).toMatchObject({ code: 1008, reason: "a challenge takes one answer" } satisfies Closed);
  });

  it("silence is cut off after ten seconds, with a reason", async () => {
    const session = await challenged();
    const start = performance.now();
    expect(await session.closed()).toEqual({ code: 1008, reason: "the challenge was not answered in time" });
    expect(performance.now() - start).toBeGreaterThan(9_000);
    expect(performance.now() - start).toBeLessThan(13_000);
  });
});

describe("no HTTP", () => {
  async function say(text: string): Promise<string> {
    const socket = connect(Number(new URL(operator.httpUrl).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(text);
    let answer = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      answer += part;
    });
    await once(socket, "close");
    return answer;
  }

  it.each([
    ["nonsense", "\u0000\u0001nonsense\r\n\r\n", 400],
    ["two lengths", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
    ["a header without end", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(33 * 1024)}\r\n\r\n`, 431],
  ])("%s is answered by a sentence, and logged", async (_what, text, status) => {
    const before = operator.log();
    expect(await say(text)).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\n\r\n.+\n$`, "s"));
    expect(reasons(before)).toEqual([status === 431 ? "REQUEST_TOO_LARGE" : "REQUEST_BROKEN"]);
  });
});

describe("leaks", () => {
  function openFiles(): number {
    return readdirSync(`/proc/${operator.pid}/fd`).length;
  }

  /** Clients that never close, whatever the server says. */
  function clingTo(port: number, text: string, count: number): readonly Socket[] {
    return Array.from({ length: count }, () => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("error", () => undefined);
      socket.write(text);
      return socket;
    });
  }

  const upgrade = (target: string, more = "") =>
    `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${more}`;

  it("none of the ways to be refused leaves a connection behind", async () => {
    const http = Number(new URL(operator.httpUrl).port);
    const https = Number(new URL(operator.httpsUrl).port);
    const before = openFiles();
    const clinging = [
      clingTo(http, upgrade("/nowhere", "trailing"), 20),
      clingTo(http, upgrade("/v1-rancheros/inventory"), 20),
      clingTo(http, "nonsense\r\n\r\n", 20),
      clingTo(http, "", 20),
      clingTo(http, "GET / HTTP/1.1\r\nX: ", 20),
      clingTo(https, "", 20),
      clingTo(https, "\u0016\u0003\u0001", 20),
    ].flat();
    // The silent ones are let be for ten seconds: while they are, they count.
    await eventually(async () => (openFiles() >= before + 60 ? true : undefined), "they are connected");
    const left = await eventually(async () => (openFiles() <= before + 5 ? openFiles() : undefined), "all are gone");
    expect(left).toBeLessThanOrEqual(before + 5);
    for (const socket of clinging) socket.destroy();
  });

  it("dials that are given up do not use up the sessions", async () => {
    for (let count = 0; count < 60; count += 1) {
      const socket = connect(Number(new URL(operator.httpUrl).port), "127.0.0.1");
      socket.on("error", () => undefined);
      const head = upgrade(new URL(url).pathname).replace(
        "\r\n\r\n",
        `\r\nAuthorization: ${newTpm().authorization()}\r\n\r\n`,
      );
      await once(socket, "connect");
      socket.write(head, () => socket.destroy());
    }
    await sleep(300);
    const session = await challenged();
    expect(session.challenge.length).toBeGreaterThan(400);
    session.socket.terminate();
  });

  it("an offer of another protocol is passed over", async () => {
    const socket = connect(Number(new URL(operator.httpUrl).port), "127.0.0.1");
    socket.write("GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 OK/);
    socket.destroy();
  });

  it("a websocket handshake that is none is a 400 of ours", async () => {
    const bad = upgrade("/v1-rancheros/inventory").replace("Version: 13", "Version: 8");
    const [socket] = clingTo(Number(new URL(operator.httpUrl).port), bad, 1);
    const [answer] = (await once(socket!, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 Bad Request[^]*this is no websocket handshake of version 13/);
    socket?.destroy();
  });

  it("SMBIOS and labels that are made to take long take no longer", async () => {
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, key) => [`l${key}`, "${a}${a}${a}"]));
    const { token } = await makeRegistration(target, namespace, "long", { machineInventoryLabels: labels });
    const tpm = newTpm();
    const start = performance.now();
    const smbios = { a: `a${".".repeat(14_000)}a` };
    const outcome = await visit({ url: `${operator.httpUrl}/v1-rancheros/registration/${token}`, tpm, smbios });
    expect(outcome.close?.code).toBe(1000);
    // The original expression took 42 seconds.
    expect(performance.now() - start).toBeLessThan(9_000);
    await removeInventories(target, namespace);
  });
});

describe("slow and many", () => {
  async function ended(socket: Socket): Promise<number> {
    const start = performance.now();
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "close");
    return performance.now() - start;
  }

  async function raw(text: string): Promise<Socket> {
    const socket = connect(Number(new URL(operator.httpUrl).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(text);
    return socket;
  }

  it("clients that send nothing, half a header, or a byte now and then are cut off", async () => {
    const silent = await raw("");
    const half = await raw("GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: x\r\nX-A: ");
    const drip = await raw("GET /v1-rancheros/cacerts HTTP/1.1\r\n");
    const dripping = setInterval(() => drip.write("X-A: b\r\n"), 500);
    const times = await Promise.all([silent, half, drip].map(ended));
    clearInterval(dripping);
    for (const time of times) expect(time).toBeLessThan(14_000);
  });

  it("more sessions than allowed are asked to come back, and honest machines come in afterwards", async () => {
    const held = await Promise.all(Array.from({ length: 40 }, async () => challenged()));
    const refused = await dial({ url, tpm: newTpm() });
    expect(refused).toMatchObject({ kind: "refused", status: 503, headers: { "retry-after": "10" } });
    for (const session of held) session.socket.terminate();
    await sleep(200);
    const session = await challenged();
    session.socket.close();
    expect((await session.closed()).code).toBe(1005);
  });
});
