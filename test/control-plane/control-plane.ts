/**
 * A real control plane for tests and the demo: etcd, kube-apiserver and, where it is asked for, kube-controller-manager
 * on loopback, gone without a trace afterwards.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { ApiServer, type ApiServerOptions, PortTakenError } from "./api-server.ts";
import { findControlPlaneBinaries } from "./binaries.ts";
import type { ClientAuthority } from "./client-authority.ts";
import { CONTROLLERS, startControllerManager, type Controller, type ControllerManager } from "./controller-manager.ts";
import { writeCredentials, writeKubeconfig } from "./credentials.ts";
import { ETCD_DATA, startEtcd } from "./etcd.ts";
import { findFreePort } from "./free-port.ts";

const ETCD_STOP_GRACE_MS = 5_000;
const PORT_ATTEMPTS = 5;
const DEFAULT_READY_TIMEOUT_MS = 60_000;

export interface ControlPlaneOptions {
  /** Holds data, keys and logs, made when missing with mode 0700; removing it afterwards is the caller's. */
  readonly folder: string;
  /** Where the binaries are; looked for, and built if need be, when not given. */
  readonly binariesFolder?: string;
  /** For who comes back to a folder, and is known at its address; a free one without. */
  readonly port?: number;
  /** How long one start of kube-apiserver may take. */
  readonly readyTimeoutMs?: number;
  /** Further command line flags of kube-apiserver. */
  readonly apiServerFlags?: readonly string[];
  /** Pods are given their ServiceAccount's token, and none is made before its controller has made that (false). */
  readonly admitsServiceAccounts?: boolean;
}

export interface ControlPlane {
  /** Admin's kubeconfig, mode 0600. */
  readonly kubeconfigPath: string;
  readonly serverUrl: string;
  readonly caPem: string;
  /** Bearer token of a member of system:masters. */
  readonly adminToken: string;
  /** Signs the certificates of kubelets: see kubelet-kubeconfig.ts. */
  readonly clientAuthority: ClientAuthority;
  readonly binariesFolder: string;
  /** For measuring: process ids at this moment. */
  readonly pids: () => {
    readonly etcd: number | undefined;
    readonly apiServer: number | undefined;
    readonly controllerManager: number | undefined;
  };
  /**
   * Starts kube-controller-manager with these controllers, CONTROLLERS when none is named, and with further flags of its
   * command line.
   */
  readonly startControllerManager: (controllers?: readonly Controller[], flags?: readonly string[]) => Promise<void>;
  /** The server hangs: connections open, no answer comes any more once this resolves. */
  readonly pauseApiServer: () => Promise<void>;
  readonly resumeApiServer: () => void;
  /** The server is away: connections are refused, open ones break. */
  readonly killApiServer: () => Promise<void>;
  /** Gives it back at the same address, with the same certificate and data; resolves when it is ready. */
  readonly startApiServer: () => Promise<void>;
  /** API server and etcd end, and begin anew with what is in etcd's folder then: as when a snapshot is restored. */
  readonly changeEtcdData: (change: (dataFolder: string) => void) => Promise<void>;
  /** etcd forgets all revisions but the present one. @returns that revision */
  readonly compactEtcd: () => Promise<number>;
  /** Ends all; throws when one of them had died by itself before. Afterwards no process and no port is left. */
  readonly stop: () => Promise<void>;
}

/** Starts etcd and kube-apiserver; resolves when objects can be written, 3 s on two cores. Their deaths follow ours. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const folder = path.resolve(options.folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const binariesFolder = options.binariesFolder ?? (await findControlPlaneBinaries());
  const credentials = writeCredentials(folder);
  let etcd = startEtcd(folder, binariesFolder);
  let apiServer: ApiServer;
  try {
    apiServer = await startApiServer({
      folder,
      binariesFolder,
      etcdUrl: etcd.url,
      credentials,
      readyTimeoutMs: options.readyTimeoutMs ?? DEFAULT_READY_TIMEOUT_MS,
      flags: options.apiServerFlags ?? [],
      admitsServiceAccounts: options.admitsServiceAccounts ?? false,
      port: options.port,
    });
  } catch (error) {
    const ending = etcd.process.running
      ? ""
      : `\netcd ${etcd.process.ending}; its last lines:\n${etcd.process.lastLines()}`;
    await etcd.process.kill();
    throw new Error(`the test control plane did not start${ending}`, { cause: error });
  }
  const { caPem, url: serverUrl } = apiServer;
  const kubeconfigPath = path.join(folder, "kubeconfig");
  writeKubeconfig(kubeconfigPath, serverUrl, caPem, { name: "admin", token: credentials.adminToken });
  let controllerManager: ControllerManager | undefined;
  return {
    kubeconfigPath,
    serverUrl,
    caPem,
    adminToken: credentials.adminToken,
    clientAuthority: credentials.clientAuthority,
    binariesFolder,
    pids: () => ({ etcd: etcd.process.pid, apiServer: apiServer.pid, controllerManager: controllerManager?.pid }),
    startControllerManager: async (controllers = CONTROLLERS, flags = []) => {
      if (controllerManager !== undefined) throw new Error("kube-controller-manager is started already");
      controllerManager = await startControllerManager({ folder, binariesFolder, kubeconfigPath, controllers, flags });
    },
    pauseApiServer: () => apiServer.freeze(),
    resumeApiServer: () => apiServer.signal("SIGCONT"),
    killApiServer: () => apiServer.kill(),
    startApiServer: () => apiServer.start(),
    async changeEtcdData(change) {
      await apiServer.kill();
      await etcd.process.stop(ETCD_STOP_GRACE_MS);
      change(path.join(folder, ETCD_DATA));
      etcd = startEtcd(folder, binariesFolder);
      await apiServer.start();
    },
    compactEtcd: () => etcd.compact(),
    stop: async () => {
      const troubles = [controllerManager?.unexpectedEnding, apiServer.unexpectedEnding].filter(
        (trouble) => trouble !== undefined,
      );
      if (!etcd.process.running)
        troubles.push(`etcd ${etcd.process.ending}; its last lines:\n${etcd.process.lastLines()}`);
      await controllerManager?.stop();
      await apiServer.stop();
      await etcd.process.stop(ETCD_STOP_GRACE_MS);
      if (troubles.length > 0) throw new Error(troubles.join("\n"));
    },
  };
}

/** A free port may be taken between our look and its bind: then the next one. */
async function startApiServer(
  options: Omit<ApiServerOptions, "port"> & { readonly port: number | undefined },
): Promise<ApiServer> {
  for (let attempt = 1; ; attempt += 1) {
    const apiServer = new ApiServer({ ...options, port: options.port ?? (await findFreePort()) });
    try {
      await apiServer.start();
      return apiServer;
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
