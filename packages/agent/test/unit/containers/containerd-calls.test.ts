/** Against a server of HTTP/2 on a socket, in the place of containerd's; the real one is asked in the integration tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import path from "node:path";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { callContainerd } from "../../../src/containers/io/containerd-calls.ts";

let folder: string;
let socket: string;
let server: Http2Server;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ros-calls-"));
  socket = path.join(folder, "s.sock");
  server = createServer();
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function serve(answer: (stream: ServerHttp2Stream) => void): Promise<void> {
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => undefined);
    answer(stream);
  });
  server.on("sessionError", () => undefined);
  return new Promise((listening) => server.listen(socket, () => listening()));
}

const DONE = { kind: "ok", message: Buffer.alloc(0) };
const call = { path: "/some.Service/Method", message: Buffer.from("0a0161", "hex") };

function ask(options: { signal?: AbortSignal; timeoutMs?: number; times?: number } = {}) {
  const { signal, timeoutMs = 5_000, times = 1 } = options;
  return callContainerd({
    socket,
    namespace: "k8s.io",
    calls: Array.from({ length: times }, () => call),
    timeoutMs,
    signal,
  });
}

/** An answer whose status comes behind it. */
function answer(
  stream: ServerHttp2Stream,
  trailers: Readonly<Record<string, string>>,
  frame: Buffer = Buffer.alloc(5),
): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(frame);
}

describe("a request to containerd's socket", () => {
  it("is sent as gRPC wants it, with the namespace, one after the other", async () => {
    const seen: unknown[] = [];
    await serve((stream) => {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        seen.push(Buffer.concat(pieces).toString("hex"));
        answer(stream, { "grpc-status": "0" });
      });
    });
    server.on("stream", (_, headers) => seen.push([headers[":path"], headers["containerd-namespace"], headers["te"]]));
    expect(await ask({ times: 2 })).toEqual({ kind: "answered", answers: [DONE, DONE] });
    const one = [["/some.Service/Method", "k8s.io", "trailers"], "00000000030a0161"];
    expect(seen).toEqual([...one, ...one]);
  });

  it("brings the answer's message", async () => {
    await serve((stream) => answer(stream, { "grpc-status": "0" }, Buffer.from("00000000020a00", "hex")));
    expect(await ask()).toEqual({ kind: "answered", answers: [{ kind: "ok", message: Buffer.from("0a00", "hex") }] });
  });

  it("tells a refusal with its words, behind an answer or in its place", async () => {
    let count = 0;
    const trailers = { "grpc-status": "5", "grpc-message": "reference layer%2Da%0A: not found" };
    await serve((stream) => {
      count += 1;
      if (count === 1) answer(stream, trailers);
      else stream.respond({ ":status": 200, ...trailers }, { endStream: true });
    });
    const refused = { kind: "refused", status: 5, words: "reference layer-a?: not found" };
    expect(await ask({ times: 2 })).toEqual({ kind: "answered", answers: [refused, refused] });
  });

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ["has no status", (stream) => stream.respond({ ":status": 404 }, { endStream: true })],
    ["has a status that is none", (stream) => answer(stream, { "grpc-status": "many" })],
    ["is cut short", (stream) => answer(stream, { "grpc-status": "0" }, Buffer.from("00000000020a", "hex"))],
    [
      "is longer than it says",
      (stream) => answer(stream, { "grpc-status": "0" }, Buffer.from("00000000010a00", "hex")),
    ],
    ["is compressed", (stream) => answer(stream, { "grpc-status": "0" }, Buffer.from("01000000010a", "hex"))],
    ["is none", (stream) => answer(stream, { "grpc-status": "0" }, Buffer.alloc(0))],
    [
      "does not end",
      (stream) => {
        stream.respond({ ":status": 200 });
        const more = (): unknown => stream.destroyed || (stream.write(Buffer.alloc(16 * 1024)), setImmediate(more));
        more();
      },
    ],
  ])("takes an answer for nonsense that %s", async (_, does) => {
    await serve(does);
    expect(await ask()).toMatchObject({ kind: "answered", answers: [{ kind: "nonsense" }] });
  });

  it("says that nobody is there, or that whoever was there went away", async () => {
    expect(await ask()).toMatchObject({ kind: "unreachable", cause: { code: "ENOENT" } });
    await serve((stream) => stream.session?.destroy());
    expect(await ask()).toMatchObject({ kind: "unreachable" });
  });

  it("ends with its time, and when it is broken off, before or in the middle", async () => {
    await serve(() => undefined);
    expect(await ask({ timeoutMs: 50 })).toEqual({ kind: "timed-out", timeoutMs: 50 });
    expect(await ask({ signal: AbortSignal.timeout(50) })).toEqual({ kind: "cancelled" });
    expect(await ask({ signal: AbortSignal.abort() })).toEqual({ kind: "cancelled" });
  });
});
