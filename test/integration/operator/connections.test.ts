/** Connections that are slow, silent, many, or given up: each ends in time, and leaves nothing behind. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { challenged as challengedAt } from "../../hostile/say.ts";
import { channelAt, report, visitAttested } from "../../machine/attested-visit.ts";
import { dial, visit } from "../../machine/visit.ts";
import { eventually, listInventories, removeInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const used = useOperator(target, "connections", { flags: ["--max-sessions=40"] });
const ak = generateAttestationKey("rsa");
const newTpm = () => createSoftwareTpm({ ak });
let url: string;

beforeAll(async () => {
  url = used.legacyUrl((await used.makeDoor("door")).token);
});

afterAll(async () => {
  expect(await listInventories(target, used.namespace)).toEqual([]);
});

const challenged = async () => challengedAt({ url, ak });

describe("leaks", () => {
  function openFiles(): number {
    return readdirSync(`/proc/${used.operator.pid}/fd`).length;
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
    const http = Number(new URL(used.operator.httpUrl).port);
    const https = Number(new URL(used.operator.httpsUrl).port);
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

  const asking = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(1_000);

  it("who asks and asks, and reads no answer, holds no connection", async () => {
    const before = openFiles();
    const clinging = clingTo(Number(new URL(used.operator.healthUrl).port), asking("/metrics"), 20);
    await Promise.all(clinging.map((socket) => once(socket, "connect")));
    const left = await eventually(async () => (openFiles() <= before + 5 ? openFiles() : undefined), "all are gone");
    expect(left).toBeLessThanOrEqual(before + 5);
    for (const socket of clinging) socket.destroy();
  });

  it("who asks a thousand times at once gets a few answers", async () => {
    const socket = connect(Number(new URL(used.operator.httpUrl).port), "127.0.0.1");
    let answers = "";
    socket.on("error", () => undefined).setEncoding("latin1");
    socket.on("data", (part: string) => {
      answers += part;
    });
    socket.write(asking("/v1-rancheros/cacerts"));
    await once(socket, "close");
    expect(answers.split("HTTP/1.1 200 OK").length - 1).toBeLessThanOrEqual(16);
  });

  it("dials that are given up do not use up the sessions", async () => {
    for (let count = 0; count < 60; count += 1) {
      const socket = connect(Number(new URL(used.operator.httpUrl).port), "127.0.0.1");
      socket.on("error", () => undefined);
      const head = upgrade(new URL(url).pathname).replace(
        "\r\n\r\n",
        `\r\nAuthorization: ${newTpm().authorization()}\r\n\r\n`,
      );
      await once(socket, "connect");
      socket.write(head, () => socket.destroy());
    }
    const session = await eventually(() => challenged().catch(() => undefined), "there is room again");
    expect(session.challenge.length).toBeGreaterThan(400);
    session.socket.terminate();
  });

  it("an offer of another protocol is passed over", async () => {
    const socket = connect(Number(new URL(used.operator.httpUrl).port), "127.0.0.1");
    socket.write("GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 OK/);
    socket.destroy();
  });

  it("a websocket handshake that is none is a 400 of ours", async () => {
    const bad = upgrade("/v1-rancheros/inventory").replace("Version: 13", "Version: 8");
    const [socket] = clingTo(Number(new URL(used.operator.httpUrl).port), bad, 1);
    const [answer] = (await once(socket!, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 Bad Request[^]*this is no websocket handshake of version 13/);
    socket?.destroy();
  });

  it("SMBIOS and labels that are made to take long take no longer", async () => {
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, key) => [`l${key}`, "${a}${a}${a}"]));
    const { token } = await used.makeDoor("long", { machineInventoryLabels: labels });
    const tpm = newTpm();
    const smbios = { a: `a${".".repeat(14_000)}a` };
    const outcome = await visit({ url: `${used.operator.httpUrl}/v1-rancheros/registration/${token}`, tpm, smbios });
    // The original expression took 42 seconds: it would have been cut off after ten.
    expect(outcome.close?.code).toBe(1000);
    await removeInventories(target, used.namespace);
  });
});

describe("slow and many", () => {
  it.concurrent("silence is cut off after ten seconds, with a reason", async ({ expect: own }) => {
    const session = await challenged();
    const start = performance.now();
    own(await session.closed()).toEqual({ code: 1008, reason: "the challenge was not answered in time" });
    own(performance.now() - start).toBeGreaterThan(9_000);
    own(performance.now() - start).toBeLessThan(13_000);
  });

  async function ended(socket: Socket): Promise<number> {
    const start = performance.now();
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "close");
    return performance.now() - start;
  }

  async function raw(text: string, listener = used.operator.httpUrl): Promise<Socket> {
    const socket = connect(Number(new URL(listener).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(text);
    return socket;
  }

  it.concurrent(
    "clients that send nothing, half a header, or a byte now and then are cut off",
    async ({ expect: own }) => {
      const silent = await raw("");
      const half = await raw("GET /v1-rancheros/cacerts HTTP/1.1\r\nHost: x\r\nX-A: ");
      const drip = await raw("GET /v1-rancheros/cacerts HTTP/1.1\r\n");
      // Who asks how the operator is gets no longer than machines.
      const probes = await Promise.all(
        ["", "GET /metrics HTTP/1.1\r\nHost: x\r\n"].map(async (text) => raw(text, used.operator.healthUrl)),
      );
      const dripping = setInterval(() => drip.write("X-A: b\r\n"), 500);
      const times = await Promise.all([silent, half, drip, ...probes].map(ended));
      clearInterval(dripping);
      for (const time of times) own(time).toBeLessThan(14_000);
    },
  );

  it("as many silent visits as there may be keep out no machine that attests, or has a session", async () => {
    const next = () => used.operator.httpUrl;
    const { token } = await used.makeDoor("attested");
    const channel = await channelAt(used.operator.httpsUrl);
    const attested = { next, channel, purpose: { kind: "registration", token } } as const;
    const { session } = await visitAttested({ ...attested, tpm: newTpm() });
    const held = await Promise.all(Array.from({ length: 40 }, async () => challenged()));
    expect(await dial({ url, tpm: newTpm() })).toMatchObject({ kind: "refused", status: 503 });
    expect((await report(next, session.token, EMPTY_REPORT)).approval).toBe("Approved");
    expect((await visitAttested({ ...attested, tpm: newTpm() })).approval).toBe("Approved");
    for (const { socket } of held) socket.terminate();
    await removeInventories(target, used.namespace);
  });

  it("who holds as many visits as there may be makes room for machines that come from elsewhere", async () => {
    const held = await Promise.all(Array.from({ length: 40 }, async () => challenged()));
    const made = held.map(async (session) => session.closed());
    const other = await visit({ url, tpm: newTpm(), localAddress: "127.0.0.9" });
    expect(other.close?.code).toBe(1000);
    expect(await Promise.race(made)).toEqual({
      code: 1013,
      reason: "too many machines come at this moment, try again",
    });
    // All others are where they were.
    expect(held.filter(({ socket }) => socket.readyState === socket.OPEN)).toHaveLength(39);
    for (const { socket } of held) socket.terminate();
    await removeInventories(target, used.namespace);
  });

  it("more sessions than allowed are asked to come back, and honest machines come in afterwards", async () => {
    const held = await Promise.all(Array.from({ length: 40 }, async () => challenged()));
    const refused = await dial({ url, tpm: newTpm() });
    expect(refused).toMatchObject({ kind: "refused", status: 503, headers: { "retry-after": "10" } });
    for (const session of held) session.socket.terminate();
    const session = await eventually(() => challenged().catch(() => undefined), "there is room again");
    session.socket.close();
    expect((await session.closed()).code).toBe(1005);
  });
});
