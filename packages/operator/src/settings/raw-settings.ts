/** The text of each setting: of its flag, else of the environment, else its default. */
import { parseArgs } from "node:util";
import { SettingsError } from "./errors.ts";
import { SETTINGS, type Setting } from "./settings-table.ts";

type Texts = { readonly [Name in Exclude<keyof typeof SETTINGS, "kubeconfig">]: string };

export interface RawSettings extends Texts {
  /** The first one counts most. */
  readonly kubeconfigFiles: readonly string[];
}

/** The flag names one file, whatever is in its name. */
function kubeconfigFiles(flag: unknown, listed = ""): readonly string[] {
  if (typeof flag === "string" && flag !== "") return [flag];
  return listed.split(":").filter((file) => file !== "");
}

/** @throws SettingsError  for flags that there are not */
export function rawSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): RawSettings {
  const options = Object.fromEntries(
    Object.values<Setting>(SETTINGS).map((setting) => [
      setting.flag,
      { type: "string" as const, multiple: setting.repeatable === true },
    ]),
  );
  let values: Readonly<Record<string, unknown>>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (cause) {
    throw new SettingsError("SETTINGS_INVALID", [cause instanceof Error ? cause.message : String(cause)], { cause });
  }
  const pick = (setting: Setting): string => {
    const flag = values[setting.flag];
    if (Array.isArray(flag)) return flag.join(",");
    return typeof flag === "string" ? flag : (environment[setting.env] ?? setting.fallback);
  };
  return {
    kubeconfigFiles: kubeconfigFiles(values[SETTINGS.kubeconfig.flag], environment[SETTINGS.kubeconfig.env]),
    namespace: pick(SETTINGS.namespace),
    watchNamespace: pick(SETTINGS.watchNamespace),
    serverUrl: pick(SETTINGS.serverUrl),
    caFile: pick(SETTINGS.caFile),
    publicCa: pick(SETTINGS.publicCa),
    httpsListen: pick(SETTINGS.httpsListen),
    httpListen: pick(SETTINGS.httpListen),
    tunnelSecret: pick(SETTINGS.tunnelSecret),
    bootUrl: pick(SETTINGS.bootUrl),
    healthListen: pick(SETTINGS.healthListen),
    tlsCertFile: pick(SETTINGS.tlsCertFile),
    tlsKeyFile: pick(SETTINGS.tlsKeyFile),
    tlsSan: pick(SETTINGS.tlsSan),
    leaderElect: pick(SETTINGS.leaderElect),
    channelKeys: pick(SETTINGS.channelKeys),
    maxSessions: pick(SETTINGS.maxSessions),
    trustAnchors: pick(SETTINGS.trustAnchors),
    staleAfter: pick(SETTINGS.staleAfter),
    stopDelay: pick(SETTINGS.stopDelay),
    statusDelay: pick(SETTINGS.statusDelay),
    tokenInStatus: pick(SETTINGS.tokenInStatus),
    unknownTokenRate: pick(SETTINGS.unknownTokenRate),
    failedChallengeRate: pick(SETTINGS.failedChallengeRate),
    acceptRoca: pick(SETTINGS.acceptRoca),
    registryCa: pick(SETTINGS.registryCa),
    channelPodImage: pick(SETTINGS.channelPodImage),
    registryMirrors: pick(SETTINGS.registryMirrors),
    insecureRegistries: pick(SETTINGS.insecureRegistries),
    imagePolicy: pick(SETTINGS.imagePolicy),
    defaultsFile: pick(SETTINGS.defaultsFile),
    logLevel: pick(SETTINGS.logLevel),
  };
}
