/** Requests to containerd's own socket, for what ctr has no command for: gRPC, with an answer that is short. */
import { once } from "node:events";
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { createConnection } from "node:net";

export interface ContainerdCalls {
  readonly socket: string;
  readonly namespace: string;
  /** In this order, each after the end of the one before it. */
  readonly calls: readonly ContainerdCall[];
  /** For all of them together. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ContainerdCall {
  /** As in "/containerd.services.leases.v1.Leases/AddResource". */
  readonly path: string;
  /** In protobuf's encoding. */
  readonly message: Buffer;
}

/** "ok": with the answer in protobuf's encoding. "refused": gRPC's status, which is not 0, and containerd's words. */
export type ContainerdAnswer =
  | { readonly kind: "ok"; readonly message: Buffer }
  | { readonly kind: "refused"; readonly status: number; readonly words: string }
  | { readonly kind: "nonsense"; readonly words: string };

export type ContainerdOutcome =
  | { readonly kind: "answered"; readonly answers: readonly ContainerdAnswer[] }
  | { readonly kind: "unreachable"; readonly cause: unknown }
  | { readonly kind: "timed-out"; readonly timeoutMs: number }
  | { readonly kind: "cancelled" };

/** A byte for "not compressed", and the length. Source: gRPC over HTTP2, "Length-Prefixed-Message" */
const PREFIX_BYTES = 5;
/** An empty answer is the prefix, and that about a task less than a thousand bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_WORDS = 600;

/** Never throws for anything that containerd does. */
export async function callContainerd(options: ContainerdCalls): Promise<ContainerdOutcome> {
  const { socket, calls, timeoutMs, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any([timeout, ...(signal === undefined ? [] : [signal])]);
  const session = connect("http://localhost", { createConnection: () => createConnection(socket) });
  const failed = once(session, "error").then(([error]: unknown[]) => {
    throw error;
  });
  // It is waited for below; where nothing goes wrong it never comes.
  failed.catch(() => undefined);
  const onEnd = (): void => session.destroy();
  ended.addEventListener("abort", onEnd, { once: true });
  if (ended.aborted) onEnd();
  try {
    const answers: ContainerdAnswer[] = [];
    for (const call of calls) answers.push(await Promise.race([answerOf(session, options.namespace, call), failed]));
    return { kind: "answered", answers };
  } catch (cause) {
    if (signal?.aborted === true) return { kind: "cancelled" };
    return timeout.aborted ? { kind: "timed-out", timeoutMs } : { kind: "unreachable", cause };
  } finally {
    ended.removeEventListener("abort", onEnd);
    session.destroy();
  }
}

/** @throws what the connection does */
async function answerOf(
  session: ClientHttp2Session,
  namespace: string,
  { path, message }: ContainerdCall,
): Promise<ContainerdAnswer> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: path,
    "content-type": "application/grpc",
    te: "trailers",
    "containerd-namespace": namespace,
  });
  const frame = Buffer.alloc(PREFIX_BYTES);
  frame.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([frame, message]));
  return readAnswer(stream);
}

/** The status comes behind the answer, or in its place. Source: gRPC over HTTP2, "Responses" */
async function readAnswer(stream: ClientHttp2Stream): Promise<ContainerdAnswer> {
  let told: IncomingHttpHeaders = {};
  const take = (headers: IncomingHttpHeaders): void => {
    told = { ...told, ...headers };
  };
  stream.on("response", take);
  stream.on("trailers", take);
  let bytes = 0;
  const come: Uint8Array[] = [];
  const pieces: AsyncIterable<unknown> = stream;
  for await (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) continue;
    come.push(piece);
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) return { kind: "nonsense", words: "it is far longer than an answer" };
  }
  if (told[constants.HTTP2_HEADER_STATUS] === undefined) throw new Error("the connection ended before the answer");
  const status = told["grpc-status"];
  if (typeof status !== "string" || !/^\d{1,3}$/.test(status)) {
    return { kind: "nonsense", words: `it has no status (HTTP ${String(told[constants.HTTP2_HEADER_STATUS])})` };
  }
  if (status === "0") return messageOf(Buffer.concat(come));
  return { kind: "refused", status: Number(status), words: wordsOf(told["grpc-message"]) };
}

function messageOf(frame: Buffer): ContainerdAnswer {
  const isWhole = frame.length >= PREFIX_BYTES && frame.readUInt32BE(1) === frame.length - PREFIX_BYTES;
  if (!isWhole || frame[0] !== 0) return { kind: "nonsense", words: "it is not one message as it is" };
  return { kind: "ok", message: frame.subarray(PREFIX_BYTES) };
}

function wordsOf(message: unknown): string {
  const text = typeof message === "string" ? message : "";
  const unescaped = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return unescaped.replaceAll(/\p{Cc}/gu, "?").slice(0, MAX_WORDS);
}
