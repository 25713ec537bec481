/** A way from one operator to the API server on which a test can be in the way: requests seen, delayed, refused or held. */
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request } from "node:https";
import path from "node:path";
import { makeCa, makeServingCertificate } from "../../packages/operator/src/tls/certificates.ts";
import { writeKubeconfig } from "../control-plane/credentials.ts";

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** When it arrived, since the epoch. */
  readonly atMs: number;
}

/** What to do with a request in place of passing it on at once. */
export type Fault =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  | { readonly kind: "delay"; readonly delayMs: number }
  /** Passed on as if this had been asked. */
  | { readonly kind: "rewrite"; readonly path: string }
  /** Never answered, and never passed on. */
  | { readonly kind: "hang" };

export interface ApiProxy {
  readonly kubeconfigPath: string;
  /** All that arrived, in turn. */
  readonly seen: readonly SeenRequest[];
  /** Asked for each request from now on; undefined passes it on. */
  setFault(fault: ((request: SeenRequest) => Fault | undefined) | undefined): void;
  /** From now on nothing goes through in either direction, and nobody is told. */
  cut(): void;
  /** Connections that were cut are gone; new ones go through. */
  mend(): void;
  /** Ends all answers that have no end yet, as an API server that restarts does. */
  breakWatches(): void;
  stop(): Promise<void>;
}

interface Target {
  readonly serverUrl: string;
  readonly caPem: string;
  readonly adminToken: string;
}

/** @param folder  where its kubeconfig is written */
export async function startApiProxy(target: Target, folder: string, name = "api-proxy"): Promise<ApiProxy> {
  const agent = new Agent({ keepAlive: true, ca: target.caPem });
  const seen: SeenRequest[] = [];
  const open = new Set<{ readonly inward: IncomingMessage | undefined; readonly outward: ServerResponse }>();
  let isCut = false;
  let faultOf: ((request: SeenRequest) => Fault | undefined) | undefined;

  function forward(asked: IncomingMessage, answer: ServerResponse, as = asked.url ?? "/"): void {
    const passed = request(
      new URL(as, target.serverUrl),
      { method: asked.method, headers: { ...asked.headers, host: new URL(target.serverUrl).host }, agent },
      (got) => {
        const one = { inward: got, outward: answer };
        open.add(one);
        answer.on("close", () => {
          open.delete(one);
          got.destroy();
        });
        if (isCut) return;
        answer.writeHead(got.statusCode ?? 502, got.headers);
        got.on("data", (part: Buffer) => {
          if (!isCut) answer.write(part);
        });
        got.on("end", () => {
          if (!isCut) answer.end();
        });
        got.on("error", () => answer.destroy());
      },
    );
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  }

  const ca = makeCa(Date.now(), randomBytes);
  const { certificatePem: cert, keyPem: key } = makeServingCertificate(ca, ["127.0.0.1"], Date.now(), randomBytes);
  const server = createServer({ cert, key }, (asked, answer) => {
    const one = { method: asked.method ?? "", path: asked.url ?? "", atMs: Date.now() };
    answer.on("error", () => undefined);
    if (isCut) {
      const held = { inward: undefined, outward: answer };
      open.add(held);
      answer.on("close", () => open.delete(held));
      return;
    }
    seen.push(one);
    const fault = faultOf?.(one);
    if (fault === undefined) forward(asked, answer);
    else if (fault.kind === "delay") setTimeout(() => forward(asked, answer), fault.delayMs);
    else if (fault.kind === "rewrite") forward(asked, answer, fault.path);
    else if (fault.kind === "answer") {
      asked.resume();
      answer.writeHead(fault.status, fault.headers ?? {});
      answer.end(fault.body ?? "");
    }
  });
  // What hangs must hang as long as the test wants it to.
  server.requestTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const kubeconfigPath = path.join(folder, `${name}.kubeconfig`);
  const url = `https://127.0.0.1:${address.port}`;
  writeKubeconfig(kubeconfigPath, url, ca.certificatePem, { name: "admin", token: target.adminToken });

  function breakAll(): void {
    for (const { inward, outward } of open) {
      inward?.destroy();
      outward.destroy();
    }
  }

  return {
    kubeconfigPath,
    seen,
    setFault(fault) {
      faultOf = fault;
    },
    cut() {
      isCut = true;
    },
    mend() {
      isCut = false;
      breakAll();
    },
    breakWatches: breakAll,
    async stop() {
      breakAll();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      agent.destroy();
    },
  };
}
