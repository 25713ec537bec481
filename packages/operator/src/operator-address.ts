/** What machines are told of this operator: its address and its CA, of those that were given and of Rancher's. */
import { checkCa, followFiles, SessionError, type FollowedFiles } from "./http/index.ts";
import { defaultRegistry, serverAddress, type RancherSettings, type ServerAddress } from "./rancher/index.ts";
import type { Settings } from "./settings/index.ts";
import { errorFields, type Log } from "./telemetry/index.ts";

export interface OperatorAddress {
  now(): ServerAddress;
  /** @throws SessionError SERVER_URL_NOT_SET */
  url(): string;
  /** The registry of images that name none; undefined: docker.io's. */
  defaultRegistry(): string | undefined;
  /** What Rancher says now. */
  takeRancher(settings: RancherSettings): void;
  stop(): void;
}

/**
 * @param ownCaPem  of the CA that this operator has made itself, where it has
 * @throws SessionError CERTIFICATE_INVALID, and what reading throws
 */
export async function followAddress(
  { serverUrl, publicCa, caFile }: Pick<Settings, "serverUrl" | "publicCa" | "caFile">,
  ownCaPem: () => string | undefined,
  log: Log,
): Promise<OperatorAddress> {
  let caPem: string | undefined;
  let rancher: RancherSettings = {};
  const followed = caFile === undefined ? undefined : await followCa(caFile, log, (pem) => (caPem = pem));
  const now = (): ServerAddress => serverAddress({ serverUrl, caPem, publicCa, ownCaPem: ownCaPem(), rancher });
  return {
    now,
    url() {
      const { url } = now();
      if (url === undefined) throw new SessionError("SERVER_URL_NOT_SET", "server-url is not set");
      return url;
    },
    defaultRegistry: () => defaultRegistry(rancher),
    takeRancher(settings) {
      rancher = settings;
    },
    stop: () => followed?.stop(),
  };
}

async function followCa(file: string, log: Log, onChange: (pem: string) => void): Promise<FollowedFiles> {
  return followFiles(
    [file],
    ([ca = ""]) => {
      checkCa(ca, file);
      onChange(ca);
    },
    (error) => log.error("the CA that was given is not taken", errorFields(error)),
  );
}
