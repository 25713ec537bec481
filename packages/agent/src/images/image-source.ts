/** Manifests and blobs of one image from wherever it can be had: mirrors first, the registry last. */
import { askInTurn } from "./ask-in-turn.ts";
import type { BlobDoubts } from "./blob-doubts.ts";
import { digestHash } from "./digest-hash.ts";
import { blobUrl, manifestUrl } from "./endpoints.ts";
import { ImagePullError } from "./errors.ts";
import type { RegistryAnswer } from "./io/registry-request.ts";
import { INDEX_TYPES, MANIFEST_TYPES } from "./manifest.ts";
import { readBody, type RegistrySession } from "./registry-session.ts";

export interface ImageSource {
  /** @returns bytes that the digest names. @throws ImagePullError */
  readonly manifest: (digest: string, signal: AbortSignal) => Promise<Buffer>;
  /** The same for a blob that fits into memory. */
  readonly smallBlob: (digest: string, signal: AbortSignal) => Promise<Buffer>;
  /** From an offset on, unverified: whoever stores it verifies it. @throws ImagePullError */
  readonly openBlob: (digest: string, fromBytes: number, signal: AbortSignal) => Promise<OpenedBlob>;
}

export interface OpenedBlob extends Pick<RegistryAnswer, "body"> {
  /** Who sends it. */
  readonly host: string;
  /** Asks others for this blob first from now on. */
  readonly doubt: () => void;
}

/** Registries take manifests of at most 4 MiB. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
export const ACCEPT_MANIFESTS = [...INDEX_TYPES, ...MANIFEST_TYPES].join(", ");

/** @param sessions  in the order in which they are asked; at least one */
export function imageSource(sessions: readonly RegistrySession[], doubts: BlobDoubts): ImageSource {
  const verified = (
    digest: string,
    signal: AbortSignal,
    ask: (session: RegistrySession) => Promise<RegistryAnswer>,
  ): Promise<Buffer> =>
    askInTurn(sessions, signal, async (session) => {
      const { host } = session.endpoint;
      const bytes = await readBody(await ask(session), MAX_MANIFEST_BYTES, host);
      if (digestHash(digest).update(bytes).digest("hex") !== digest.slice(digest.indexOf(":") + 1)) {
        throw new ImagePullError("IMAGE_DIGEST_WRONG", `${host}: what came for ${digest} is something else`);
      }
      return bytes;
    });

  return {
    manifest: (digest, signal) =>
      verified(digest, signal, (session) =>
        session.get(manifestUrl(session.endpoint, digest), { accept: ACCEPT_MANIFESTS }, signal),
      ),
    smallBlob: (digest, signal) =>
      verified(digest, signal, (session) => session.get(blobUrl(session.endpoint, digest), {}, signal)),
    openBlob: (digest, fromBytes, signal) =>
      askInTurn(doubts.sorted(digest, sessions), signal, async (session) => {
        const { host } = session.endpoint;
        const doubt = (): void => doubts.add(digest, session);
        const range: Readonly<Record<string, string>> = fromBytes === 0 ? {} : { range: `bytes=${fromBytes}-` };
        const answer = await session.get(blobUrl(session.endpoint, digest), range, signal);
        const begins = /^bytes (\d+)-/.exec(answer.header("content-range") ?? "")?.[1];
        if (fromBytes === 0 ? answer.status === 200 : answer.status === 206 && begins === String(fromBytes))
          return { host, doubt, body: answer.body };
        // The whole again: what is known already is passed over.
        if (answer.status === 200) return { host, doubt, body: withoutFirst(answer.body, fromBytes) };
        answer.close();
        throw new ImagePullError("IMAGE_REGISTRY_NONSENSE", `${host}: answers with another part of a layer`);
      }),
  };
}

async function* withoutFirst(body: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
