/**
 * One machine's visit to the registration endpoint, by hand on a socket: a websocket library would cost more than the
 * operator that is measured. Imitates an honest client only: one request, one answer, masks of zeros.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";

export interface Machine {
  /** The whole upgrade request. */
  readonly request: Buffer;
  /** From the challenge message to the answer message. */
  readonly answer: (challenge: Buffer) => Buffer;
}

export interface Destination {
  readonly host: string;
  readonly port: number;
  /** Undefined for a listener without TLS. */
  readonly tls: SecureContext | undefined;
  readonly farewell: Farewell;
}

/** How a server ends a visit: with close code 1000 after the configuration, or as the original does, without a word. */
export type Farewell = "close" | "none";

export interface Visited {
  /** Dial to the last byte of the configuration. */
  readonly latencyMs: number;
  readonly configBytes: number;
}

const TIMEOUT_MS = 30_000;
const OPCODE = { binary: 2, close: 8 } as const;
const NORMAL_CLOSURE = 1000;
const EMPTY = Buffer.alloc(0);

/** @throws Error where it ends in any way but with a configuration and this farewell */
export function visit(destination: Destination, machine: Machine): Promise<Visited> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    let buffered: Buffer = EMPTY;
    let upgraded = false;
    let messages = 0;
    let visited: Visited | undefined;
    const socket = open(destination, () => socket.write(machine.request));
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error("the operator did not answer")));
    socket.on("error", fail);
    socket.on("close", () => {
      if (visited !== undefined && destination.farewell === "none") return resolve(visited);
      fail(
        new Error(`the connection ended ${visited === undefined ? "before the configuration came" : "without a word"}`),
      );
    });

    function fail(error: Error): void {
      socket.destroy();
      reject(error);
    }

    function take(frame: Frame): void {
      if (frame.opcode === OPCODE.close) {
        const code = frame.payload.length < 2 ? 0 : frame.payload.readUInt16BE(0);
        if (code !== NORMAL_CLOSURE || visited === undefined) {
          return fail(new Error(`closed with ${code} ${frame.payload.subarray(2).toString()}`));
        }
        socket.end(clientFrame(OPCODE.close, frame.payload.subarray(0, 2)));
        return resolve(visited);
      }
      messages += 1;
      if (messages === 1) socket.write(clientFrame(OPCODE.binary, machine.answer(frame.payload)));
      else visited = { latencyMs: performance.now() - startedMs, configBytes: frame.payload.length };
    }

    socket.on("data", (chunk: Buffer) => {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      if (!upgraded) {
        const end = buffered.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!buffered.subarray(0, 12).equals(SWITCHING)) return fail(new Error(buffered.toString()));
        upgraded = true;
        buffered = buffered.subarray(end + 4);
      }
      for (let frame = readFrame(buffered); frame !== undefined; frame = readFrame(buffered)) {
        buffered = buffered.subarray(frame.sizeBytes);
        take(frame);
      }
    });
  });
}

const SWITCHING = Buffer.from("HTTP/1.1 101");

function open({ host, port, tls }: Destination, whenOpen: () => void): Socket {
  if (tls === undefined) return connectPlain({ host, port, noDelay: true }, whenOpen);
  // Every machine is a new one: no session is resumed.
  const socket = connectTls({ host, port, secureContext: tls, servername: "localhost" }, whenOpen);
  socket.setNoDelay(true);
  return socket;
}

/** @param headers  beyond those of the upgrade */
export function upgradeRequest(path: string, host: string, headers: Readonly<Record<string, string>>): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** With its head. */
  readonly sizeBytes: number;
}

/** RFC 6455 section 5.2, for what a server sends: unfragmented, unmasked, below 64 KiB. */
function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1);
  const headBytes = short === 126 ? 4 : 2;
  if (bytes.length < headBytes) return undefined;
  const sizeBytes = headBytes + (short === 126 ? bytes.readUInt16BE(2) : short);
  if (bytes.length < sizeBytes) return undefined;
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(headBytes, sizeBytes), sizeBytes };
}

/** A client's frames are masked; with a mask of zeros the payload stays as it is. At most 125 bytes. */
function clientFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
