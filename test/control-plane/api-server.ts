/** One kube-apiserver on loopback that can be taken away and given back, always at the same address. */
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:https";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Credentials } from "./credentials.ts";
import { TetheredProcess } from "./tethered-process.ts";

const POLL_INTERVAL_MS = 50;
const POLL_TIMEOUT_MS = 5_000;
const STOP_GRACE_MS = 5_000;

export interface ApiServerOptions {
  readonly folder: string;
  readonly binariesFolder: string;
  readonly etcdUrl: string;
  readonly credentials: Credentials;
  readonly port: number;
  readonly readyTimeoutMs: number;
  /** Pods are given their ServiceAccount's token, as in every cluster. */
  readonly admitsServiceAccounts: boolean;
  /** Further command line flags of kube-apiserver. */
  readonly flags: readonly string[];
}

export class PortTakenError extends Error {}

export class ApiServer {
  readonly url: string;
  readonly #options: ApiServerOptions;
  #process: TetheredProcess | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.url = `https://127.0.0.1:${options.port}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** How it ended when it did so by itself. */
  get unexpectedEnding(): string | undefined {
    if (this.#process === undefined || this.#process.running) return undefined;
    return `kube-apiserver ${this.#process.ending}; its last lines:\n${this.#process.lastLines()}`;
  }

  /** The certificate of the authority that kube-apiserver made for itself: the last one in its file. */
  get caPem(): string {
    const chain = readFileSync(this.#certificatePath, "utf8");
    return chain.slice(chain.lastIndexOf("-----BEGIN CERTIFICATE-----"));
  }

  get #certificatePath(): string {
    return path.join(this.#options.folder, "certificates", "apiserver.crt");
  }

  /** Starts it and waits until it is ready to take objects. */
  async start(): Promise<void> {
    if (this.#process !== undefined) throw new Error("kube-apiserver is started already");
    const { folder, binariesFolder, etcdUrl, credentials, port, flags, admitsServiceAccounts } = this.#options;
    this.#process = new TetheredProcess({
      name: "kube-apiserver",
      executable: path.join(binariesFolder, "kube-apiserver"),
      folder,
      args: [
        `--etcd-servers=${etcdUrl}`,
        "--bind-address=127.0.0.1",
        // Without these two it looks for a network card and writes a Service endpoint that may not be loopback.
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        `--secure-port=${port}`,
        "--cert-dir=certificates",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
        `--service-account-key-file=${credentials.serviceAccountKeyFile}`,
        `--token-auth-file=${credentials.tokenFile}`,
        `--client-ca-file=${credentials.clientAuthority.certificateFile}`,
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        // A kubelet may write its own node and evict its own pods, as in every cluster that k3s, rke2 or kubeadm makes.
        "--enable-admission-plugins=NodeRestriction",
        // Where no controller-manager runs, nobody makes the "default" service accounts that this plug-in demands of pods.
        ...(admitsServiceAccounts ? [] : ["--disable-admission-plugins=ServiceAccount"]),
        "--allow-privileged=true",
        "--profiling=false",
        ...flags,
      ],
    });
    await this.#waitUntilReady(this.#process);
  }

  async stop(): Promise<void> {
    await this.#process?.stop(STOP_GRACE_MS);
    this.#process = undefined;
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = undefined;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#process === undefined) throw new Error("kube-apiserver is not running");
    this.#process.signal(signal);
  }

  async freeze(): Promise<void> {
    if (this.#process === undefined) throw new Error("kube-apiserver is not running");
    await this.#process.freeze();
  }

  async #waitUntilReady(process: TetheredProcess): Promise<void> {
    const { readyTimeoutMs, port } = this.#options;
    const deadlineMs = performance.now() + readyTimeoutMs;
    while (performance.now() < deadlineMs) {
      if (!process.running) {
        const lines = process.lastLines();
        this.#process = undefined;
        const message = `kube-apiserver ${process.ending}; its last lines:\n${lines}`;
        throw lines.includes("address already in use")
          ? new PortTakenError(`port ${port}: ${message}`)
          : new Error(message);
      }
      // The namespace comes a moment after readyz, and a test that is quicker would be refused.
      if ((await this.#answersOk("/readyz")) && (await this.#answersOk("/api/v1/namespaces/default"))) return;
      await sleep(POLL_INTERVAL_MS);
    }
    const lines = process.lastLines();
    await this.kill();
    throw new Error(`kube-apiserver was not ready after ${readyTimeoutMs} ms; its last lines:\n${lines}`);
  }

  #answersOk(urlPath: string): Promise<boolean> {
    if (!existsSync(this.#certificatePath)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const call = request(
        this.url + urlPath,
        {
          agent: false,
          ca: this.caPem,
          headers: { authorization: `Bearer ${this.#options.credentials.adminToken}` },
          signal: AbortSignal.timeout(POLL_TIMEOUT_MS),
        },
        (response) => {
          response.resume();
          response.on("error", () => resolve(false));
          response.on("end", () => resolve(response.statusCode === 200));
        },
      );
      // Not up yet, or the certificate file is half-written: the next poll sees more.
      call.on("error", () => resolve(false));
      call.end();
    });
  }
}
