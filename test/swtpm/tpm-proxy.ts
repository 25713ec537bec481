/**
 * A wire between the tools and a software TPM that can be tampered with: TPMs that swtpm cannot be (ECC only, busy, dumb,
 * silent) are made from a real one by changing single answers.
 *
 * Imitated: command and response framing (TPM 2.0 part 1, 18.1). Not imitated: anything that depends on the TPM's memory
 * of a command that the wire swallowed.
 */

import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

import { findPortPair } from "../control-plane/free-port.ts";

/** TPM_CC numbers (TPM 2.0 part 2, 6.5.2) that tests interfere with. */
export const TPM_CC = {
  CreatePrimary: 0x131,
  ActivateCredential: 0x147,
  CertifyCreation: 0x14a,
  NvRead: 0x14e,
  PolicySecret: 0x151,
  ContextLoad: 0x161,
  ContextSave: 0x162,
  FlushContext: 0x165,
  NvReadPublic: 0x169,
  ReadPublic: 0x173,
  StartAuthSession: 0x176,
  GetCapability: 0x17a,
} as const;

/** What to do with a command: pass it on (undefined), answer in the TPM's place, or never answer. */
export type Tampering = undefined | { readonly answer: Uint8Array } | "silence" | "hang-up";

export interface TpmProxy {
  readonly tcti: string;
  stop(): Promise<void>;
}

/** A response that carries nothing but a response code. */
export function failWith(responseCode: number): { answer: Uint8Array } {
  const answer = Buffer.alloc(10);
  answer.writeUInt16BE(0x8001, 0);
  answer.writeUInt32BE(answer.length, 2);
  answer.writeUInt32BE(responseCode, 6);
  return { answer };
}

/** A TPM built without RSA: every CreatePrimary with an RSA template answers TPM_RC_TYPE for parameter 2. */
export function withoutRsa(commandCode: number, command: Uint8Array): Tampering {
  if (commandCode !== TPM_CC.CreatePrimary) return undefined;
  const rsaWithSha256Name = Buffer.from([0x00, 0x01, 0x00, 0x0b]);
  return Buffer.from(command).includes(rsaWithSha256Name) ? failWith(0x2ca) : undefined;
}

/**
 * Stands between the tools and the swtpm on `port`.
 * @param tamper  called with each command in order
 */
export async function startTpmProxy(
  port: number,
  tamper: (commandCode: number, command: Uint8Array) => Tampering,
): Promise<TpmProxy> {
  const own = await findPortPair();
  const open = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    return socket;
  };
  const data = await listen(own, (client) => {
    const tpm = track(connect(port, "127.0.0.1"));
    relayCommands(track(client), tpm, tamper);
    client.on("close", () => tpm.end());
  });
  const control = await listen(own + 1, (client) => {
    const tpm = track(connect(port + 1, "127.0.0.1"));
    track(client).pipe(tpm).pipe(client);
    client.on("close", () => tpm.end());
  });
  return {
    tcti: `swtpm:host=127.0.0.1,port=${own}`,
    async stop() {
      for (const socket of open) socket.destroy();
      await Promise.all([close(data), close(control)]);
    },
  };
}

function relayCommands(
  client: Socket,
  tpm: Socket,
  tamper: (commandCode: number, command: Uint8Array) => Tampering,
): void {
  tpm.on("data", (chunk: Buffer) => void client.write(chunk));
  tpm.on("close", () => client.end());
  let buffered = Buffer.alloc(0);
  client.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    // Tag (2 bytes), size of the whole (4 bytes), command code (4 bytes).
    while (buffered.length >= 10 && buffered.length >= buffered.readUInt32BE(2)) {
      const size = buffered.readUInt32BE(2);
      const command = buffered.subarray(0, size);
      buffered = buffered.subarray(size);
      const tampering = tamper(command.readUInt32BE(6), command);
      if (tampering === undefined) tpm.write(command);
      else if (tampering === "hang-up") client.destroy();
      else if (tampering !== "silence") client.write(tampering.answer);
    }
  });
}

async function listen(port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  if ((server.address() as AddressInfo | null) === null) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
