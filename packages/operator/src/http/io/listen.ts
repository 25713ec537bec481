/** Makes a server listen, or says why it cannot. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SessionError } from "../errors.ts";
import type { ListenAddress } from "../listen-address.ts";

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EACCES: "ports below 1024 take more rights",
  EADDRNOTAVAIL: "this machine does not have that address",
};

/**
 * @param flag  the setting that named the address
 * @throws SessionError  LISTEN_FAILED
 */
export async function listen(server: Server, where: ListenAddress, flag: string): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => {
      const why = REASONS[cause.code ?? ""] ?? cause.message;
      reject(
        new SessionError("LISTEN_FAILED", `--${flag}: cannot listen on ${where.host}:${where.port}: ${why}`, { cause }),
      );
    };
    server.once("error", fail);
    server.listen(where.port, where.host === "" ? undefined : where.host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP listener without an address");
  return address;
}
