/** Where machines reach this operator, which CA they need for it, and where images are: from flags, or from Rancher's settings. */
import { baseAddress } from "./base-address.ts";

/** Rancher's settings, as far as they are there. */
export interface RancherSettings {
  readonly "server-url"?: string;
  readonly cacerts?: string;
  readonly "internal-cacerts"?: string;
  readonly "system-default-registry"?: string;
}

export interface AddressSources {
  /** --server-url */
  readonly serverUrl: string | undefined;
  /** Content of --ca-file. */
  readonly caPem: string | undefined;
  /** --public-ca */
  readonly publicCa: boolean;
  /** CA of the operator's own listener; undefined where its certificate was given or there is no TLS. */
  readonly ownCaPem: string | undefined;
  readonly rancher: RancherSettings;
  /** Whether there is no more of them than that: without all of them, what is missing may be a moment late. */
  readonly isRancherKnown: boolean;
}

export interface ServerAddress {
  /** Undefined while nobody has said. */
  readonly url: string | undefined;
  /** Whether that stays so until somebody changes it. */
  readonly isUrlKnown: boolean;
  /** Undefined where machines need none, and while it is not known which. */
  readonly caPem: string | undefined;
  readonly isCaKnown: boolean;
}

function orUndefined(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}

/**
 * A flag wins over Rancher. The CA follows the URL: with Rancher's URL it is `cacerts`, else `internal-cacerts`; with our
 * own it is the CA that we made.
 */
export function serverAddress(sources: AddressSources): ServerAddress {
  const { rancher } = sources;
  // Of one that is none there is none: what was published before is better than nonsense.
  const url = sources.serverUrl ?? baseAddress(rancher["server-url"] ?? "");
  const isUrlKnown = url !== undefined || sources.isRancherKnown;
  if (sources.publicCa) return { url, isUrlKnown, caPem: undefined, isCaKnown: true };
  if (sources.caPem !== undefined) return { url, isUrlKnown, caPem: sources.caPem, isCaKnown: true };
  const ofRancher = orUndefined(rancher.cacerts) ?? orUndefined(rancher["internal-cacerts"]);
  // Rancher without a CA has a certificate of a public one: ours would be wrong for it.
  const isRanchers = sources.serverUrl === undefined && orUndefined(rancher["server-url"]) !== undefined;
  const isCaKnown = sources.serverUrl !== undefined || sources.isRancherKnown;
  const caPem = isRanchers ? ofRancher : sources.ownCaPem;
  return { url, isUrlKnown, caPem: isCaKnown ? caPem : undefined, isCaKnown };
}
