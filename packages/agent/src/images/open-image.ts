/** Opens an image at its registry: what it is, and a relay through which a runtime on this node can load it. */
import { isCodedError, type CodedError } from "@rancheros/protocol/errors";
import type { ImagePolicy, VerifyKeyless } from "@rancheros/protocol/signatures";

import { admitImage, type AdmitEvent } from "./admit-image.ts";
import { backOffMs } from "./back-off.ts";
import type { BlobDoubts } from "./blob-doubts.ts";
import { gaveUp, streamBlob, type StreamOutside } from "./blob-stream.ts";
import { describeImageThrough, type ImageDescription } from "./describe-image.ts";
import { endpointsOf, type Endpoint } from "./endpoints.ts";
import { ImagePullError } from "./errors.ts";
import type { PinnedImage } from "./image-reference.ts";
import { imageSource } from "./image-source.ts";
import type { TlsMaterial } from "./io/registry-request.ts";
import type { startRelayServer } from "./io/relay-server.ts";
import type { Platform } from "./platform.ts";
import { rateLimit } from "./rate-limit.ts";
import type { Registries, RegistryAccount, RegistryTls } from "./registries.ts";
import { registrySession, type RegistrySession, type SessionOutside } from "./registry-session.ts";
import { relayAnswer } from "./relay-answer.ts";
import { sessionOfAccounts } from "./session-of-accounts.ts";
import { StreamTroubles } from "./stream-troubles.ts";

export interface OpenImageOptions {
  readonly image: PinnedImage;
  readonly platform: Platform;
  readonly registries: Registries;
  /** For the image's own registry, tried in this order; where there is none, that of registries.yaml. */
  readonly accounts: readonly RegistryAccount[];
  /** Of this machine (`readPolicies`): each has to let the image in. */
  readonly policies: readonly ImagePolicy[];
  /** undefined: as fast as it comes. */
  readonly bytesPerSecond: number | undefined;
  /** How long attempts go on without anything coming. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ImageEvent) => void;
}

export type ImageEvent =
  | AdmitEvent
  | { readonly kind: "retry"; readonly error: CodedError; readonly delayMs: number }
  | { readonly kind: "bytes"; readonly bytes: number };

export interface OpenImageOutside extends SessionOutside, StreamOutside {
  readonly readTls: (tls: RegistryTls) => Promise<TlsMaterial>;
  readonly startRelayServer: typeof startRelayServer;
  readonly verifyKeyless: VerifyKeyless;
  /** Longer than one image is open: whoever is given a wrong layer has to begin anew. */
  readonly doubts: BlobDoubts;
  /** Unguessable, fit for a header. */
  readonly randomSecret: () => string;
}

export interface OpenImage {
  readonly description: ImageDescription;
  /** Until closed. */
  readonly relay: () => Promise<ImageRelay>;
  /** A layer as it is transferred; whoever reads it to its end has what the digest names. @throws ImagePullError */
  readonly blob: (digest: string, sizeBytes: number) => AsyncIterable<Buffer>;
}

export interface ImageRelay {
  /** 127.0.0.1:PORT, without TLS; the image is there under its own repository name and digest. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** Why the relay could not bring a layer to its end; undefined where it did what it was asked for. */
  readonly failure: () => ImagePullError | undefined;
  /** Why a layer did not come at the last attempt; undefined where all come. */
  readonly trouble: () => ImagePullError | undefined;
  readonly close: () => Promise<void>;
}

/** Nothing at all for so long means that the connection is dead. */
const SILENCE_MS = 30_000;
const RELAY_USER = "ros-agent";

/** @throws ImagePullError as describeImage, and IMAGE_GAVE_UP; SignatureError where a policy does not let the image in */
export async function openImageThrough(outside: OpenImageOutside, options: OpenImageOptions): Promise<OpenImage> {
  const { image, platform, registries, accounts, policies, signal, patienceMs } = options;
  const [account, ...otherAccounts] = accounts;
  const sessions: RegistrySession[] = [];
  for (const endpoint of endpointsOf(image, registries, account)) {
    const tls = await outside.readTls(endpoint.tls);
    const sessionOf = (one: Endpoint): RegistrySession =>
      registrySession(outside, { endpoint: one, tls, silenceMs: SILENCE_MS });
    // A mirror never gets the accounts of the registry that it mirrors.
    const others = endpoint.mirrorOf === undefined ? otherAccounts : [];
    const byOthers = others.map((other) => sessionOf({ ...endpoint, account: other }));
    sessions.push(sessionOfAccounts([sessionOf(endpoint), ...byOthers]));
  }
  const source = imageSource(sessions, outside.doubts);
  const description = await patiently(outside, options, () => describeImageThrough(source, image, platform, signal));
  const { verifyKeyless } = outside;
  const admitted = await patiently(outside, options, () =>
    admitImage({ description, policies, sessions, verifyKeyless, signal }),
  );
  for (const event of admitted) options.onEvent(event);
  const limit = rateLimit(options.bytesPerSecond);

  const onRetry = (error: ImagePullError, delayMs: number): void => options.onEvent({ kind: "retry", error, delayMs });

  async function* blob(digest: string, sizeBytes: number): AsyncGenerator<Buffer> {
    const streaming = { source, limit, patienceMs, onRetry, signal };
    for await (const piece of streamBlob(outside, streaming, digest, 0, sizeBytes)) {
      options.onEvent({ kind: "bytes", bytes: piece.length });
      yield piece;
    }
  }

  async function relay(): Promise<ImageRelay> {
    const password = outside.randomSecret();
    const authorization = `Basic ${Buffer.from(`${RELAY_USER}:${password}`).toString("base64")}`;
    let failure: ImagePullError | undefined;
    const troubles = new StreamTroubles();
    const server = await outside.startRelayServer({
      answer: (request) => relayAnswer(description, authorization, request),
      async *blob(digest, fromBytes, bytes, gone) {
        const watch = troubles.watch();
        const onFailure = (error: ImagePullError, delayMs: number): void => {
          watch.failed(error);
          onRetry(error, delayMs);
        };
        const either = AbortSignal.any([gone, signal]);
        const streaming = { source, limit, patienceMs, onRetry: onFailure, signal: either };
        for await (const piece of streamBlob(outside, streaming, digest, fromBytes, bytes)) {
          watch.went();
          options.onEvent({ kind: "bytes", bytes: piece.length });
          yield piece;
        }
      },
      onFailure(error) {
        if (error instanceof ImagePullError) failure ??= error;
      },
    });
    const { host, close } = server;
    return { host, username: RELAY_USER, password, failure: () => failure, trouble: () => troubles.newest, close };
  }

  return { description, relay, blob };
}

async function patiently<T>(outside: StreamOutside, options: OpenImageOptions, work: () => Promise<T>): Promise<T> {
  const beganMs = outside.nowMs();
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      const delayMs = backOffMs(error, failures, outside.random());
      if (delayMs === undefined || !isCodedError(error) || options.signal.aborted) throw error;
      const waitedMs = outside.nowMs() - beganMs;
      if (waitedMs + delayMs > options.patienceMs) {
        // Who refuses an image says why to the end, however long the others were waited for.
        throw failures > 1 && error instanceof ImagePullError ? gaveUp(error, waitedMs, failures) : error;
      }
      options.onEvent({ kind: "retry", error, delayMs });
      await outside.sleep(delayMs, options.signal).catch((cause: unknown) => {
        throw new ImagePullError("IMAGE_INTERRUPTED", "the pull was broken off", { cause });
      });
    }
  }
}
