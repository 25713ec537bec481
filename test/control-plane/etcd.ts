/** etcd on a socket in a private folder: it knows no passwords, so no other user of the machine may reach it. */
import path from "node:path";
import { TetheredProcess } from "./tethered-process.ts";

/** Longest socket path that Linux takes (sun_path), without the closing zero. */
const LONGEST_SOCKET_PATH_BYTES = 107;

export interface Etcd {
  readonly process: TetheredProcess;
  /** For kube-apiserver's --etcd-servers. */
  readonly url: string;
}

/** Starts etcd; kube-apiserver waits for it by itself. */
export function startEtcd(folder: string, binariesFolder: string): Etcd {
  const socketPath = path.join(folder, "etcd.sock");
  if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH_BYTES) {
    throw new Error(`the path ${socketPath} is too long for a socket: use a shorter folder`);
  }
  const url = `unix://${socketPath}`;
  // etcd takes a peer socket only as "host:port", relative to its working directory.
  const peerUrl = "unix://etcd-peer.sock:0";
  const process = new TetheredProcess({
    name: "etcd",
    executable: path.join(binariesFolder, "etcd"),
    folder,
    args: [
      "--data-dir=etcd-data",
      "--log-level=warn",
      "--unsafe-no-fsync",
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    ],
  });
  return { process, url };
}
