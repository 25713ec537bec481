/** The settings of the operator, read and checked. */
import type { ListenAddress } from "../http/index.ts";
import type { RegistrySettings } from "../registry/index.ts";
import { SettingsError } from "./errors.ts";
import { rawSettings } from "./raw-settings.ts";
import { readRegistrySettings } from "./read-registry-settings.ts";
import { SettingReader } from "./setting-reader.ts";
import { SETTINGS } from "./settings-table.ts";

export interface Settings {
  /** None: the user's own, or the pod's ServiceAccount. Of several the first one counts most. */
  readonly kubeconfigFiles: readonly string[];
  readonly namespace: string;
  readonly watchNamespace: string | undefined;
  readonly serverUrl: string | undefined;
  readonly caFile: string | undefined;
  readonly publicCa: boolean;
  readonly httpsListen: ListenAddress | undefined;
  readonly httpListen: ListenAddress | undefined;
  /** Name of the Secret; undefined: no tunnel is opened. */
  readonly tunnelSecret: string | undefined;
  /** Without a slash at its end. */
  readonly bootUrl: string | undefined;
  readonly healthListen: ListenAddress | undefined;
  readonly tlsFiles: { readonly certificate: string; readonly key: string } | undefined;
  readonly tlsSan: readonly string[];
  /** SHA-256 of TLS keys in front of machines, beside our own certificate's. */
  readonly channelKeys: readonly Buffer[];
  readonly leaderElect: boolean;
  readonly maxSessions: number;
  /** Name of the ConfigMap; undefined: none is read. */
  readonly trustAnchors: string | undefined;
  readonly staleAfterMs: number;
  readonly stopDelayMs: number;
  readonly statusDelayMs: number;
  readonly tokenInStatus: boolean;
  readonly unknownTokenRate: number;
  readonly failedChallengeRate: number;
  readonly acceptRoca: boolean;
  /** File with CA certificates for image registries. */
  readonly registryCaFile: string | undefined;
  readonly channelPodImage: string | undefined;
  readonly registries: RegistrySettings;
  /** File with the policy about signed images. */
  readonly imagePolicyFile: string | undefined;
  /** File with objects that are made where they are missing. */
  readonly defaultsFile: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function listOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/**
 * Reads the settings: a flag wins over the environment, the environment over the default.
 * @throws SettingsError  that names every bad setting
 */
export function readSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const raw = rawSettings(args, environment);
  const reader = new SettingReader();
  const settings: Settings = {
    kubeconfigFiles: raw.kubeconfigFiles,
    namespace: reader.namespace("namespace", raw.namespace) ?? SETTINGS.namespace.fallback,
    watchNamespace: reader.namespace("watch-namespace", raw.watchNamespace),
    serverUrl: reader.url("server-url", raw.serverUrl),
    caFile: orUndefined(raw.caFile),
    publicCa: reader.choice("public-ca", raw.publicCa, ["true", "false"], "false") === "true",
    httpsListen: reader.listen("https-listen", raw.httpsListen),
    httpListen: reader.listen("http-listen", raw.httpListen),
    tunnelSecret: reader.objectName("rancher-tunnel-secret", raw.tunnelSecret),
    bootUrl: reader.url("boot-url", raw.bootUrl),
    healthListen: reader.listen("health-listen", raw.healthListen),
    tlsFiles:
      raw.tlsCertFile === "" || raw.tlsKeyFile === ""
        ? undefined
        : { certificate: raw.tlsCertFile, key: raw.tlsKeyFile },
    tlsSan: listOf(raw.tlsSan),
    channelKeys: reader.channels("channel-keys", raw.channelKeys),
    leaderElect: reader.choice("leader-elect", raw.leaderElect, ["true", "false"], "true") === "true",
    maxSessions: reader.count("max-sessions", raw.maxSessions),
    trustAnchors: orUndefined(raw.trustAnchors),
    staleAfterMs: reader.count("stale-after", raw.staleAfter) * 1000,
    stopDelayMs: reader.seconds("stop-delay", raw.stopDelay, 3) * 1000,
    statusDelayMs: reader.count("status-delay", raw.statusDelay) * 1000,
    tokenInStatus: reader.choice("token-in-status", raw.tokenInStatus, ["true", "false"], "true") === "true",
    unknownTokenRate: reader.count("unknown-token-rate", raw.unknownTokenRate),
    failedChallengeRate: reader.count("failed-challenge-rate", raw.failedChallengeRate),
    acceptRoca: reader.choice("accept-roca-keys", raw.acceptRoca, ["true", "false"], "false") === "true",
    registryCaFile: orUndefined(raw.registryCa),
    imagePolicyFile: orUndefined(raw.imagePolicy),
    channelPodImage: orUndefined(raw.channelPodImage),
    registries: readRegistrySettings(listOf(raw.registryMirrors), listOf(raw.insecureRegistries), (problem) =>
      reader.problems.push(problem),
    ),
    defaultsFile: orUndefined(raw.defaultsFile),
    logLevel: reader.choice("log-level", raw.logLevel, ["debug", "info", "warn", "error"], "info"),
  };
  if ((raw.tlsCertFile === "") !== (raw.tlsKeyFile === "")) {
    reader.problems.push("--tls-cert-file and --tls-key-file go together");
  }
  if (raw.httpsListen === "none" && raw.httpListen === "none") {
    reader.problems.push("--https-listen and --http-listen are both none: machines could not reach the operator");
  }
  if (reader.problems.length > 0) throw new SettingsError("SETTINGS_INVALID", reader.problems);
  return settings;
}
