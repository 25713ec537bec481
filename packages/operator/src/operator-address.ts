/** What machines are told of this operator: its address and its CA, of those that were given and of Rancher's. */
import { checkCa, SessionError } from "./http/index.ts";
import { defaultRegistry, serverAddress, type RancherSettings, type ServerAddress } from "./rancher/index.ts";
import { followFiles, SETTINGS, type FollowedFiles, type Settings } from "./settings/index.ts";
import { errorFields, type Log } from "./telemetry/index.ts";

export interface OperatorAddress {
  now(): ServerAddress;
  /** Whether neither url nor caPem throws OPERATOR_NOT_READY. */
  isKnown(): boolean;
  /** @throws SessionError SERVER_URL_NOT_SET; OPERATOR_NOT_READY while it may still come from Rancher */
  url(): string;
  /** Undefined where machines need none. @throws SessionError OPERATOR_NOT_READY  while Rancher may have another one */
  caPem(): string | undefined;
  /** The registry of images that name none; undefined: docker.io's. See effectiveImage of what is no registry. */
  defaultRegistry(): ReturnType<typeof defaultRegistry>;
  /** What Rancher says now. */
  takeRancher(settings: RancherSettings): void;
  stop(): void;
}

export interface AddressParts {
  /** Of the CA that this operator has made itself, where it has. */
  readonly ownCaPem: () => string | undefined;
  /** Whether Rancher's settings about the address have all been taken, or are known not to be there. */
  readonly isRancherKnown: () => boolean;
  readonly log: Log;
}

function notReadYet(): SessionError {
  return new SessionError("OPERATOR_NOT_READY", "the operator has not read Rancher's settings yet, try again");
}

/** @throws SessionError CERTIFICATE_INVALID; SettingsError SETTINGS_FILE_UNREADABLE */
export async function followAddress(
  { serverUrl, publicCa, caFile }: Pick<Settings, "serverUrl" | "publicCa" | "caFile">,
  { ownCaPem, isRancherKnown, log }: AddressParts,
): Promise<OperatorAddress> {
  let caPem: string | undefined;
  let rancher: RancherSettings = {};
  const followed = caFile === undefined ? undefined : await followCa(caFile, log, (pem) => (caPem = pem));
  const now = (): ServerAddress =>
    serverAddress({ serverUrl, caPem, publicCa, ownCaPem: ownCaPem(), rancher, isRancherKnown: isRancherKnown() });
  return {
    now,
    isKnown() {
      const { isUrlKnown, isCaKnown } = now();
      return isUrlKnown && isCaKnown;
    },
    url() {
      const { url, isUrlKnown } = now();
      if (!isUrlKnown) throw notReadYet();
      if (url === undefined) throw new SessionError("SERVER_URL_NOT_SET", "server-url is not set");
      return url;
    },
    caPem() {
      const { caPem: known, isCaKnown } = now();
      if (!isCaKnown) throw notReadYet();
      return known;
    },
    defaultRegistry: () => defaultRegistry(rancher),
    takeRancher(settings) {
      const before = problemOf(rancher);
      rancher = settings;
      const problem = problemOf(rancher);
      if (problem !== undefined && problem !== before) log.warn("registry of images not taken", { problem });
    },
    stop: () => followed?.stop(),
  };
}

function problemOf(rancher: RancherSettings): string | undefined {
  const registry = defaultRegistry(rancher);
  return typeof registry === "object" ? registry.problem : undefined;
}

async function followCa(file: string, log: Log, onChange: (pem: string) => void): Promise<FollowedFiles> {
  return followFiles(
    [{ setting: SETTINGS.caFile, path: file }],
    ([ca = ""]) => {
      checkCa(ca, file);
      onChange(ca);
    },
    (error) => log.error("the CA that was given is not taken", errorFields(error)),
  );
}
