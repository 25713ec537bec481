/** A machine's visit over websocket, step by step, so that tests can be honest, slow or hostile at any of them. */
import { once } from "node:events";
import {
  decodeChallenge,
  encodeChallengeResponse,
  formatSmbiosHeader,
  type SmbiosTree,
} from "@rancheros/protocol/messages";
import { WebSocket } from "ws";
import type { SoftwareTpm } from "../software-tpm/index.ts";

export interface VisitOptions {
  /** Address with path, http or https. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tpm?: SoftwareTpm;
  readonly smbios?: SmbiosTree;
  readonly caPem?: string;
  /** Address of this machine that it comes from. */
  readonly localAddress?: string;
}

export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface Opened {
  readonly kind: "opened";
  readonly socket: WebSocket;
  /** Next message of the server, or how it closed. */
  next(): Promise<Buffer | Closed>;
  closed(): Promise<Closed>;
}

/** Dials; either the server's HTTP refusal or an open socket. */
export async function dial(options: VisitOptions): Promise<Refused | Opened> {
  const headers: Record<string, string> = {
    ...(options.tpm === undefined ? {} : { Authorization: options.tpm.authorization() }),
    ...(options.smbios === undefined ? {} : { "X-Cattle-Smbios": formatSmbiosHeader(options.smbios) }),
    ...options.headers,
  };
  const socket = new WebSocket(options.url.replace(/^http/, "ws"), {
    headers,
    perMessageDeflate: false,
    ...(options.caPem === undefined ? {} : { ca: options.caPem }),
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
  });
  const messages: Buffer[] = [];
  const waiting: (() => void)[] = [];
  let end: Closed | undefined;
  const ended = once(socket, "close").then(([code, reason]: unknown[]) => ({
    code: Number(code),
    reason: String(reason),
  }));
  ended.catch(() => undefined);
  const wake = () => {
    for (const one of waiting.splice(0)) one();
  };
  socket.on("message", (data: Buffer) => {
    messages.push(data);
    wake();
  });
  socket.on("close", (code, reason) => {
    end = { code, reason: reason.toString() };
    wake();
  });
  const refused = new Promise<Refused>((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("end", () =>
        resolve({ kind: "refused", status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
  });
  const failed = new Promise<never>((_resolve, reject) => {
    socket.on("error", reject);
  });
  failed.catch(() => undefined);
  const opened = once(socket, "open").then((): "opened" => "opened");
  opened.catch(() => undefined);
  const first = await Promise.race([opened, refused, failed]);
  if (first !== "opened") return first;

  async function arrived(): Promise<void> {
    if (messages.length === 0 && end === undefined) await new Promise<void>((resolve) => waiting.push(resolve));
  }
  async function next(): Promise<Buffer | Closed> {
    await arrived();
    return messages.shift() ?? end ?? next();
  }
  return {
    kind: "opened",
    socket,
    next,
    closed: async () => ended,
  };
}

/** The answer that this TPM gives to a challenge. */
export function answerOf(tpm: SoftwareTpm, challenge: Buffer): Buffer {
  const { credentialBlob, encryptedSecret } = decodeChallenge(challenge);
  return encodeChallengeResponse({ secret: tpm.activateCredential(credentialBlob, encryptedSecret) });
}

export interface Outcome {
  readonly status: number;
  /** What the server sent when the machine had proved itself; undefined where it was refused. */
  readonly payload: string | undefined;
  readonly text: string;
  readonly close: Closed | undefined;
}

/** A whole visit of an honest machine. */
export async function visit(options: VisitOptions & { readonly tpm: SoftwareTpm }): Promise<Outcome> {
  const result = await dial(options);
  if (result.kind === "refused") {
    return { status: result.status, payload: undefined, text: result.body.trim(), close: undefined };
  }
  const challenge = await result.next();
  if (!Buffer.isBuffer(challenge)) return { status: 101, payload: undefined, text: challenge.reason, close: challenge };
  result.socket.send(answerOf(options.tpm, challenge));
  const payload = await result.next();
  const close = await result.closed();
  return {
    status: 101,
    payload: Buffer.isBuffer(payload) ? payload.toString() : undefined,
    text: close.reason,
    close,
  };
}
