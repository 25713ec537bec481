/** The operator's replicas behind one address, as a Service with a proxy in front that ends TLS: each request to the next one. */
import { X509Certificate } from "node:crypto";
import { connect as connectTls } from "node:tls";
import { Agent, request } from "undici";
import { networkFailure } from "../../packages/agent/src/registration/network-failure.ts";
import type { connectServer } from "../../packages/agent/src/registration/io/server-connection.ts";

/** Each machine has its own; here those that wait for a slot to be stored must not keep the others from asking. */
const CONNECTIONS = 256;

export interface Service {
  /** What the agent calls to reach its server. */
  readonly connect: typeof connectServer;
  /** Requests that were answered, those that broke, and how long machines waited for all of them together. */
  readonly counts: { answered: number; broken: number; waitedMs: number };
  close(): Promise<void>;
}

/**
 * @param replicas  their addresses at this moment, such as http://127.0.0.1:8080
 * @param peerSpki  of the certificate that machines see
 */
export function fleetService(replicas: () => readonly string[], peerSpki: Buffer): Service {
  const agent = new Agent({ connections: CONNECTIONS, pipelining: 1, allowH2: false });
  const counts = { answered: 0, broken: 0, waitedMs: 0 };
  let turn = 0;
  const next = (): string => {
    const all = replicas();
    turn += 1;
    return all[turn % all.length] ?? "http://127.0.0.1:9";
  };
  return {
    counts,
    connect: ({ url: server, proxy }) => ({
      async send({ method, url, headers, body, maxBodyBytes, signal }) {
        const sentMs = performance.now();
        try {
          const answer = await request(`${next()}${url.pathname}`, {
            dispatcher: agent,
            method,
            headers,
            body: body.length === 0 ? null : body,
            signal,
          });
          const bytes = Buffer.from(await answer.body.arrayBuffer());
          counts.answered += 1;
          const told: Record<string, string> = {};
          for (const [name, value] of Object.entries(answer.headers)) told[name] = String(value);
          return {
            status: answer.statusCode,
            headers: told,
            body: bytes.subarray(0, maxBodyBytes),
            peerSpki,
          };
        } catch (error) {
          counts.broken += 1;
          throw networkFailure(error, { server, proxy });
        } finally {
          counts.waitedMs += performance.now() - sentMs;
        }
      },
      close: () => undefined,
    }),
    close: () => agent.destroy(),
  };
}

/** The TLS key that a listener shows. @param httpsUrl  of one replica: all have the same */
export async function peerSpkiAt(httpsUrl: string): Promise<Buffer> {
  const { hostname, port } = new URL(httpsUrl);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" }));
    });
    socket.on("error", reject);
  });
}
