/** Rancher's end of the tunnel, by the real remotedialer: a Go program of ours. */
import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { buildGoModule } from "../go/build-module.ts";

export interface RancherTunnelOptions {
  readonly token: string;
  /** Holds the certificate, the same after a restart; without TLS where there is none. */
  readonly tlsFolder?: string;
  /** Default 0: any. */
  readonly port?: number;
}

export interface RawAnswer {
  readonly bytes: number;
  readonly sha256: string;
  /** The first 200 bytes. */
  readonly begin: string;
  readonly millis: number;
  /** EOF, or what ended it. */
  readonly end: string;
}

export interface RancherTunnel {
  /** Where machines come to; everything that they ask for goes through the tunnel. */
  readonly url: string;
  /** Where the tunnel begins. */
  readonly connectUrl: string;
  readonly port: number;
  /** Undefined without TLS. */
  readonly caPem: string | undefined;
  /** SHA-256 of the TLS key; undefined without TLS. */
  readonly channel: Buffer | undefined;
  kill(): Promise<void>;
}

export async function buildRancherTunnel(): Promise<string> {
  const folder = await buildGoModule({
    folder: import.meta.dirname,
    prefix: "rancher-tunnel-",
    packages: ["."],
    what: "Rancher's end of the tunnel",
  });
  return path.join(folder, "rancher-tunnel");
}

export async function startRancherTunnel(options: RancherTunnelOptions): Promise<RancherTunnel> {
  const program = await buildRancherTunnel();
  const { token, tlsFolder, port = 0 } = options;
  if (tlsFolder !== undefined) mkdirSync(tlsFolder, { recursive: true });
  const flags = [`-listen=127.0.0.1:${port}`, `-token=${token}`, `-tls=${tlsFolder ?? ""}`];
  // It ends with its standard input, and so with us.
  const child = spawn(program, flags, { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(() => {
      throw new Error("Rancher's end of the tunnel did not start: its reason is above");
    }),
  ])) as [string];
  const { address } = JSON.parse(line) as { readonly address: string };
  const url = `${tlsFolder === undefined ? "http" : "https"}://${address}`;
  const caPem = tlsFolder === undefined ? undefined : readFileSync(path.join(tlsFolder, "tls.crt"), "utf8");
  const spki =
    caPem === undefined ? undefined : new X509Certificate(caPem).publicKey.export({ type: "spki", format: "der" });
  return {
    url,
    connectUrl: `${url}/connect`,
    port: Number(new URL(url).port),
    caPem,
    channel: spki === undefined ? undefined : createHash("sha256").update(spki).digest(),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
