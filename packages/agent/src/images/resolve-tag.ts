/** Which digest a tag names now, for who upgrades a machine by hand: everything else is done by digest. */
import { createHash } from "node:crypto";
import { parseImageReference, writeImageReference } from "@rancheros/protocol/images";

import { askInTurn } from "./ask-in-turn.ts";
import { endpointsOf, manifestUrl } from "./endpoints.ts";
import { checkPin } from "./image-reference.ts";
import { ACCEPT_MANIFESTS, MAX_MANIFEST_BYTES } from "./image-source.ts";
import type { TlsMaterial } from "./io/registry-request.ts";
import type { Registries, RegistryAccount, RegistryTls } from "./registries.ts";
import { readBody, registrySession, type SessionOutside } from "./registry-session.ts";

export interface ResolveTagOptions {
  /** As people write it. */
  readonly reference: string;
  readonly registries: Registries;
  /** For the image's own registry. */
  readonly account: RegistryAccount | undefined;
  readonly signal: AbortSignal;
}

export interface ResolveTagOutside extends SessionOutside {
  readonly readTls: (tls: RegistryTls) => Promise<TlsMaterial>;
}

export interface ResolvedTag {
  /** HOST/REPOSITORY@DIGEST */
  readonly reference: string;
  /** `latest` where neither tag nor digest was written. */
  readonly tag: string;
}

const SILENCE_MS = 30_000;

/**
 * Mirrors are asked before the registry, as for a pull. A digest of sha256 is taken as it is, and nobody is asked.
 * @throws ImagePullError, ImageReferenceError
 */
export async function resolveTagThrough(outside: ResolveTagOutside, options: ResolveTagOptions): Promise<ResolvedTag> {
  const { registries, account, signal } = options;
  const parsed = parseImageReference(options.reference);
  const { host, repository } = parsed;
  const tag = parsed.tag ?? "latest";
  const pinned = (digest: string): string => writeImageReference({ host, repository, tag: undefined, digest });
  if (parsed.digest !== undefined) {
    checkPin(parsed.digest);
    return { reference: pinned(parsed.digest), tag };
  }
  const endpoints = endpointsOf({ host, repository, digest: "", name: "" }, registries, account);
  const all = endpoints.map((endpoint) => ({ endpoint }));
  return askInTurn(all, signal, async ({ endpoint }) => {
    const tls = await outside.readTls(endpoint.tls);
    const session = registrySession(outside, { endpoint, tls, silenceMs: SILENCE_MS });
    const answer = await session.get(manifestUrl(endpoint, tag), { accept: ACCEPT_MANIFESTS }, signal);
    const bytes = await readBody(answer, MAX_MANIFEST_BYTES, endpoint.host);
    return { reference: pinned(`sha256:${createHash("sha256").update(bytes).digest("hex")}`), tag };
  });
}
