/** All settings of the operator in one table: flags, environment, help and documentation are read from it. */
import { parseArgs } from "node:util";
import { NO_CHANNEL } from "@rancheros/protocol/attestation";
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";
import type { ListenAddress } from "./http/index.ts";

interface Setting {
  readonly flag: string;
  readonly env: string;
  /** What the value looks like, for the help. */
  readonly value: string;
  readonly fallback: string;
  readonly help: string;
}

/** One row a setting. */
export const SETTINGS = {
  kubeconfig: {
    flag: "kubeconfig",
    env: "KUBECONFIG",
    value: "FILE",
    fallback: "",
    help: "kubeconfig of the cluster; inside a pod its ServiceAccount is used",
  },
  namespace: {
    flag: "namespace",
    env: "POD_NAMESPACE",
    value: "NAME",
    fallback: "cattle-rancheros-operator-system",
    help: "namespace of the operator's own Secrets",
  },
  watchNamespace: {
    flag: "watch-namespace",
    env: "WATCH_NAMESPACE",
    value: "NAME",
    fallback: "",
    help: "serve the objects of this namespace only; all namespaces when empty",
  },
  serverUrl: {
    flag: "server-url",
    env: "RANCHEROS_SERVER_URL",
    value: "URL",
    fallback: "",
    help: "address under which machines reach this operator; Rancher's setting server-url when empty",
  },
  caFile: {
    flag: "ca-file",
    env: "RANCHEROS_CA_FILE",
    value: "FILE",
    fallback: "",
    help: "CA, as PEM, that machines need for the server URL; when empty, Rancher's cacerts or the operator's own CA",
  },
  publicCa: {
    flag: "public-ca",
    env: "RANCHEROS_PUBLIC_CA",
    value: "true|false",
    fallback: "false",
    help: "the server URL has a certificate of a public CA: machines are given no CA",
  },
  httpsListen: {
    flag: "https-listen",
    env: "RANCHEROS_HTTPS_LISTEN",
    value: "HOST:PORT|none",
    fallback: "0.0.0.0:8443",
    help: "where machines are served with TLS",
  },
  httpListen: {
    flag: "http-listen",
    env: "RANCHEROS_HTTP_LISTEN",
    value: "HOST:PORT|none",
    fallback: "none",
    help: "where machines are served without TLS; only behind a proxy that ends TLS",
  },
  healthListen: {
    flag: "health-listen",
    env: "RANCHEROS_HEALTH_LISTEN",
    value: "HOST:PORT|none",
    fallback: "0.0.0.0:8081",
    help: "where /healthz and /readyz are",
  },
  tlsCertFile: {
    flag: "tls-cert-file",
    env: "RANCHEROS_TLS_CERT_FILE",
    value: "FILE",
    fallback: "",
    help: "certificate chain of the TLS listener; the operator makes its own when empty",
  },
  tlsKeyFile: {
    flag: "tls-key-file",
    env: "RANCHEROS_TLS_KEY_FILE",
    value: "FILE",
    fallback: "",
    help: "private key of that certificate",
  },
  tlsSan: {
    flag: "tls-san",
    env: "RANCHEROS_TLS_SAN",
    value: "NAME[,NAME...]",
    fallback: "",
    help: "more host names and addresses for the operator's own certificate",
  },
  channelKeys: {
    flag: "channel-keys",
    env: "RANCHEROS_CHANNEL_KEYS",
    value: "HEX[,HEX...]|none",
    fallback: "",
    help: "SHA-256 of the public key (SubjectPublicKeyInfo) of each certificate with which a proxy in front ends TLS; none among them also lets in machines that use no TLS, for laboratories",
  },
  maxSessions: {
    flag: "max-sessions",
    env: "RANCHEROS_MAX_SESSIONS",
    value: "COUNT",
    fallback: "256",
    help: "machines that may be in the middle of their challenge at one time; others are asked to come back",
  },
  trustAnchors: {
    flag: "trust-anchors-configmap",
    env: "RANCHEROS_TRUST_ANCHORS_CONFIGMAP",
    value: "NAME",
    fallback: "rancheros-trust-anchors",
    help: "ConfigMap in the operator's namespace with CA certificates of TPM makers, for registrations without their own",
  },
  staleAfter: {
    flag: "stale-after",
    env: "RANCHEROS_STALE_AFTER",
    value: "SECONDS",
    fallback: "120",
    help: "who has heard nothing of the API server for so long lets nobody in; it is heard of every 30 seconds",
  },
  tokenInStatus: {
    flag: "token-in-status",
    env: "RANCHEROS_TOKEN_IN_STATUS",
    value: "true|false",
    fallback: "true",
    help: "show registration tokens and URLs in the status of MachineRegistrations, as the original does; they are in Secrets in any case",
  },
  unknownTokenRate: {
    flag: "unknown-token-rate",
    env: "RANCHEROS_UNKNOWN_TOKEN_RATE",
    value: "COUNT",
    fallback: "60",
    help: "registration tokens that nobody has which one source address may try in a minute, at each replica",
  },
  acceptRoca: {
    flag: "accept-roca-keys",
    env: "RANCHEROS_ACCEPT_ROCA_KEYS",
    value: "true|false",
    fallback: "false",
    help: "let in TPMs whose keys can be factored (CVE-2017-15361, old Infineon firmware) until they are updated",
  },
  logLevel: {
    flag: "log-level",
    env: "RANCHEROS_LOG_LEVEL",
    value: "debug|info|warn|error",
    fallback: "info",
    help: "how much is logged",
  },
} as const satisfies Readonly<Record<string, Setting>>;

type RawSettings = { readonly [Name in keyof typeof SETTINGS]: string };

export interface Settings {
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
  readonly watchNamespace: string | undefined;
  readonly serverUrl: string | undefined;
  readonly caFile: string | undefined;
  readonly publicCa: boolean;
  readonly httpsListen: ListenAddress | undefined;
  readonly httpListen: ListenAddress | undefined;
  readonly healthListen: ListenAddress | undefined;
  readonly tlsFiles: { readonly certificate: string; readonly key: string } | undefined;
  readonly tlsSan: readonly string[];
  /** SHA-256 of TLS keys in front of machines, beside our own certificate's. */
  readonly channelKeys: readonly Buffer[];
  readonly maxSessions: number;
  /** Name of the ConfigMap; undefined: none is read. */
  readonly trustAnchors: string | undefined;
  readonly staleAfterMs: number;
  readonly tokenInStatus: boolean;
  readonly unknownTokenRate: number;
  readonly acceptRoca: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

export const SETTINGS_ERRORS: ErrorTable<"SETTINGS_INVALID"> = {
  SETTINGS_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "A flag or an environment variable has a value that cannot be.",
    mend: "rancheros-operator --help lists all commands and settings.",
  },
};

export class SettingsError extends CodedError<"SETTINGS_INVALID"> {
  constructor(problems: readonly string[], options: CodedErrorOptions = {}) {
    super(SETTINGS_ERRORS, "SETTINGS_INVALID", problems.join("; "), options);
  }
}

function rawSettings(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): RawSettings {
  const options = Object.fromEntries(
    Object.values(SETTINGS).map((setting) => [setting.flag, { type: "string" as const }]),
  );
  let values: Readonly<Record<string, unknown>>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (cause) {
    throw new SettingsError([cause instanceof Error ? cause.message : String(cause)], { cause });
  }
  const pick = (setting: Setting): string => {
    const flag = values[setting.flag];
    return typeof flag === "string" ? flag : (environment[setting.env] ?? setting.fallback);
  };
  return {
    kubeconfig: pick(SETTINGS.kubeconfig),
    namespace: pick(SETTINGS.namespace),
    watchNamespace: pick(SETTINGS.watchNamespace),
    serverUrl: pick(SETTINGS.serverUrl),
    caFile: pick(SETTINGS.caFile),
    publicCa: pick(SETTINGS.publicCa),
    httpsListen: pick(SETTINGS.httpsListen),
    httpListen: pick(SETTINGS.httpListen),
    healthListen: pick(SETTINGS.healthListen),
    tlsCertFile: pick(SETTINGS.tlsCertFile),
    tlsKeyFile: pick(SETTINGS.tlsKeyFile),
    tlsSan: pick(SETTINGS.tlsSan),
    channelKeys: pick(SETTINGS.channelKeys),
    maxSessions: pick(SETTINGS.maxSessions),
    trustAnchors: pick(SETTINGS.trustAnchors),
    staleAfter: pick(SETTINGS.staleAfter),
    tokenInStatus: pick(SETTINGS.tokenInStatus),
    unknownTokenRate: pick(SETTINGS.unknownTokenRate),
    acceptRoca: pick(SETTINGS.acceptRoca),
    logLevel: pick(SETTINGS.logLevel),
  };
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** Collects what is wrong, so that all of it can be said at once. */
class Reader {
  readonly problems: string[] = [];

  listen(flag: string, text: string): ListenAddress | undefined {
    if (text === "none") return undefined;
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
    const port = Number(match?.[3]);
    if (match === null || port > 65_535) {
      this.problems.push(`--${flag}: ${JSON.stringify(text)} is neither HOST:PORT nor none`);
      return undefined;
    }
    return { host: match[1] ?? match[2] ?? "", port };
  }

  url(flag: string, text: string): string | undefined {
    if (text === "") return undefined;
    if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, "");
    this.problems.push(`--${flag}: ${JSON.stringify(text)} is no http or https address`);
    return undefined;
  }

  choice<Choice extends string>(flag: string, text: string, choices: readonly Choice[], fallback: Choice): Choice {
    const found = choices.find((one) => one === text);
    if (found === undefined) this.problems.push(`--${flag}: ${JSON.stringify(text)} is none of ${choices.join(", ")}`);
    return found ?? fallback;
  }

  channels(flag: string, text: string): readonly Buffer[] {
    const keys = text.split(",").filter((key) => key !== "");
    const wrong = keys.find((key) => key !== "none" && !/^[0-9a-f]{64}$/i.test(key));
    if (wrong === undefined) return keys.map((key) => (key === "none" ? NO_CHANNEL : Buffer.from(key, "hex")));
    this.problems.push(`--${flag}: ${JSON.stringify(wrong)} is neither 64 hex digits nor none`);
    return [];
  }

  count(flag: string, text: string): number {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    this.problems.push(`--${flag}: ${JSON.stringify(text)} is no number from 1 to 999999`);
    return 1;
  }
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
  const reader = new Reader();
  const settings: Settings = {
    kubeconfig: orUndefined(raw.kubeconfig),
    namespace: raw.namespace,
    watchNamespace: orUndefined(raw.watchNamespace),
    serverUrl: reader.url("server-url", raw.serverUrl),
    caFile: orUndefined(raw.caFile),
    publicCa: reader.choice("public-ca", raw.publicCa, ["true", "false"], "false") === "true",
    httpsListen: reader.listen("https-listen", raw.httpsListen),
    httpListen: reader.listen("http-listen", raw.httpListen),
    healthListen: reader.listen("health-listen", raw.healthListen),
    tlsFiles:
      raw.tlsCertFile === "" || raw.tlsKeyFile === ""
        ? undefined
        : { certificate: raw.tlsCertFile, key: raw.tlsKeyFile },
    tlsSan: raw.tlsSan.split(",").filter((name) => name !== ""),
    channelKeys: reader.channels("channel-keys", raw.channelKeys),
    maxSessions: reader.count("max-sessions", raw.maxSessions),
    trustAnchors: orUndefined(raw.trustAnchors),
    staleAfterMs: reader.count("stale-after", raw.staleAfter) * 1000,
    tokenInStatus: reader.choice("token-in-status", raw.tokenInStatus, ["true", "false"], "true") === "true",
    unknownTokenRate: reader.count("unknown-token-rate", raw.unknownTokenRate),
    acceptRoca: reader.choice("accept-roca-keys", raw.acceptRoca, ["true", "false"], "false") === "true",
    logLevel: reader.choice("log-level", raw.logLevel, ["debug", "info", "warn", "error"], "info"),
  };
  if ((raw.tlsCertFile === "") !== (raw.tlsKeyFile === "")) {
    reader.problems.push("--tls-cert-file and --tls-key-file go together");
  }
  if (raw.httpsListen === "none" && raw.httpListen === "none") {
    reader.problems.push("--https-listen and --http-listen are both none: machines could not reach the operator");
  }
  if (reader.problems.length > 0) throw new SettingsError(reader.problems);
  return settings;
}
