/** Where machines reach this operator, which CA they need for it, and where images are: from flags, or from Rancher's settings. */

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

/** Undefined where it is none that paths can be put behind: what was published before is better than nonsense. */
function addressOf(text: string | undefined): string | undefined {
  const trimmed = orUndefined(text)?.trim().replace(/\/+$/, "") ?? "";
  // The parser takes new lines out of the middle, and machines do not.
  const url = /^[^\s?#]+$/.test(trimmed) ? URL.parse(trimmed) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return undefined;
  return trimmed;
}

/**
 * A flag wins over Rancher. The CA follows the URL: with Rancher's URL it is `cacerts`, else `internal-cacerts`; with our
 * own it is the CA that we made.
 */
export function serverAddress(sources: AddressSources): ServerAddress {
  const { rancher } = sources;
  const url = sources.serverUrl ?? addressOf(rancher["server-url"]);
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
