/** What an administrator says about registries: mirrors, and who is spoken to without TLS. */

export interface RegistryMirrors {
  /** In the order in which they are asked; the path goes before the repository. */
  readonly urls: readonly URL[];
  /** Whether the registry itself is asked behind them. */
  readonly upstream: boolean;
}

export interface RegistrySettings {
  /** By the host as it stands in references; `*` is for all hosts without mirrors of their own. */
  readonly mirrors: ReadonlyMap<string, RegistryMirrors>;
  /** Hosts, with port, that are spoken to without TLS. */
  readonly insecureHosts: ReadonlySet<string>;
}

export const NO_REGISTRY_SETTINGS: RegistrySettings = { mirrors: new Map(), insecureHosts: new Set() };

const ANY_HOST = "*";

/** The mirrors of a host; none, and the registry itself, where nobody said anything. */
export function mirrorsOf(settings: RegistrySettings, host: string): RegistryMirrors {
  return settings.mirrors.get(host) ?? settings.mirrors.get(ANY_HOST) ?? { urls: [], upstream: true };
}
