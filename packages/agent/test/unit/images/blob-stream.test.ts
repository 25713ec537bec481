import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { backOffMs } from "../../../src/images/back-off.ts";
import { streamBlob } from "../../../src/images/blob-stream.ts";
import { ImagePullError } from "../../../src/images/errors.ts";
import type { ImageSource, OpenedBlob } from "../../../src/images/image-source.ts";
import { MANIFEST_TYPES } from "../../../src/images/manifest.ts";
import { rateLimit } from "../../../src/images/rate-limit.ts";
import { relayAnswer } from "../../../src/images/relay-answer.ts";
import type { ImageDescription } from "../../../src/images/describe-image.ts";

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** A registry that breaks off after so many bytes of each answer, and then sends the whole. */
function brokenSource(blob: Buffer, breaks: readonly number[]): ImageSource {
  const left = [...breaks];
  const unused = (): never => {
    throw new Error("not asked for here");
  };
  const openBlob = async (_digest: string, from: number): Promise<OpenedBlob> => {
    const upTo = left.shift();
    async function* body(): AsyncGenerator<Buffer> {
      yield blob.subarray(from, upTo === undefined ? blob.length : from + upTo);
      if (upTo !== undefined) throw new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", "broke off");
    }
    return { host: "h", body: body(), doubt: () => undefined };
  };
  return { manifest: unused, smallBlob: unused, openBlob };
}

async function collect(blob: Buffer, source: ImageSource, from = 0, patienceMs = 1e9): Promise<Buffer> {
  let nowMs = 0;
  const outside = {
    nowMs: () => nowMs,
    random: () => 0.5,
    sleep: async (delayMs: number) => {
      nowMs += delayMs;
    },
  };
  const signal = new AbortController().signal;
  const options = { source, limit: rateLimit(undefined), patienceMs, signal, onRetry: () => undefined };
  const pieces: Buffer[] = [];
  for await (const piece of streamBlob(outside, options, digestOf(blob), from, blob.length - from)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("streamBlob", () => {
  it("gives every byte once and in order, wherever the registry breaks off", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.array(fc.nat({ max: 100 }), { maxLength: 10 }),
        fc.nat(),
        async (bytes, breaks, offset) => {
          const blob = Buffer.from(bytes);
          const from = offset % blob.length;
          expect(await collect(blob, brokenSource(blob, breaks), from)).toEqual(blob.subarray(from));
        },
      ),
    );
  });

  it("never gives the whole of a blob that is not what its digest names", async () => {
    const blob = Buffer.alloc(200_000, 1);
    const bad = Buffer.from(blob);
    bad[100] = 2;
    await expect(collect(blob, brokenSource(bad, []))).rejects.toMatchObject({ code: "IMAGE_DIGEST_WRONG" });
  });

  it("names all who sent a part of what is wrong, and doubts most whoever is asked first", async () => {
    const blob = Buffer.alloc(200_000, 1);
    const doubted: string[] = [];
    const hosts = ["mirror", "registry"];
    async function* part(from: number): AsyncGenerator<Buffer> {
      yield Buffer.alloc(100_000, 2);
      if (from === 0) throw new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", "broke off");
    }
    const source = {
      ...brokenSource(blob, []),
      openBlob: (_digest: string, from: number): Promise<OpenedBlob> => {
        const host = hosts.shift() ?? "";
        return Promise.resolve({ host, body: part(from), doubt: () => doubted.push(host) });
      },
    };
    await expect(collect(blob, source)).rejects.toMatchObject({
      code: "IMAGE_DIGEST_WRONG",
      message: expect.stringMatching(/^mirror, registry: what came for the layer sha256:/) as string,
    });
    expect(doubted).toEqual(["registry", "mirror"]);
  });

  it("gives up after a time without a byte, and says what the last failure was", async () => {
    const blob = Buffer.alloc(10);
    const forever = brokenSource(
      blob,
      Array.from({ length: 1_000 }, () => 0),
    );
    await expect(collect(blob, forever, 0, 60_000)).rejects.toMatchObject({
      code: "IMAGE_GAVE_UP",
      details: { lastCode: "IMAGE_REGISTRY_UNREACHABLE" },
    });
  });
});

describe("rateLimit", () => {
  it("never lets more through than the rate and a quarter of a second's worth", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 1e9 }),
        fc.array(fc.tuple(fc.nat({ max: 65_536 }), fc.nat({ max: 500 })), { maxLength: 100 }),
        (rate, steps) => {
          const limit = rateLimit(rate);
          let nowMs = 0;
          let bytes = 0;
          for (const [piece, pauseMs] of steps) {
            nowMs += pauseMs;
            nowMs += limit.take(piece, nowMs);
            bytes += piece;
            expect(bytes).toBeLessThanOrEqual((rate * (nowMs + 250)) / 1000 + 1);
          }
        },
      ),
    );
    expect(rateLimit(undefined).take(1e12, 0)).toBe(0);
  });
});

describe("backOffMs", () => {
  it("grows to half a minute, and keeps to what a registry asks for", () => {
    const busy = new ImagePullError("IMAGE_REGISTRY_BUSY", "", { retry: { afterMs: 90_000 } });
    expect(
      [1, 2, 50].map((failures) => backOffMs(new ImagePullError("IMAGE_REGISTRY_FAILED", ""), failures, 1)),
    ).toEqual([1_000, 2_000, 30_000]);
    expect(backOffMs(busy, 1, 0)).toBeGreaterThanOrEqual(90_000);
    expect(backOffMs(new ImagePullError("IMAGE_NOT_FOUND", ""), 1, 1)).toBeUndefined();
    expect(backOffMs(new Error("a defect"), 1, 1)).toBeUndefined();
  });
});

describe("relayAnswer", () => {
  const layer = { mediaType: "", digest: digestOf(Buffer.from("layer")), sizeBytes: 100 };
  const config = { mediaType: "", digest: digestOf(Buffer.from("config")), sizeBytes: 10 };
  const [mediaType] = MANIFEST_TYPES;
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }));
  const description: ImageDescription = {
    image: { host: "h", repository: "os/a", digest: digestOf(manifest), name: "" },
    platform: { os: "linux", architecture: "amd64", variant: undefined },
    manifestDigest: digestOf(manifest),
    manifests: new Map([[digestOf(manifest), manifest]]),
    config,
    layers: [layer],
    diffIds: [],
    transferBytes: 110,
  };
  const ask = (
    path: string,
    more: { readonly method?: string; readonly authorization?: string; readonly range?: string } = {},
  ): unknown =>
    relayAnswer(description, "Basic x", { method: "GET", path, authorization: "Basic x", range: undefined, ...more });

  it("has the one image, whole or from an offset on", () => {
    expect(ask("/v2/")).toEqual({ kind: "status", status: 200 });
    expect(ask(`/v2/os/a/manifests/${digestOf(manifest)}?ns=h`)).toMatchObject({ kind: "manifest", mediaType });
    expect(ask(`/v2/os/a/blobs/${layer.digest}`)).toMatchObject({ fromBytes: 0, partial: false, sizeBytes: 100 });
    expect(ask(`/v2/os/a/blobs/${layer.digest}`, { range: "bytes=40-" })).toMatchObject({
      fromBytes: 40,
      partial: true,
    });
    expect(ask(`/v2/os/a/blobs/${layer.digest}`, { range: "bytes=100-" })).toEqual({ kind: "status", status: 416 });
  });

  it("has nothing else, and nothing for others on this machine", () => {
    const status = (answer: unknown): unknown =>
      typeof answer === "object" && answer !== null && "status" in answer ? answer.status : answer;
    expect(status(ask("/v2/", { authorization: "Basic y" }))).toBe(401);
    expect(status(ask(`/v2/os/a/blobs/${layer.digest}`, { method: "PUT" }))).toBe(405);
    expect(status(ask(`/v2/other/blobs/${layer.digest}`))).toBe(404);
    expect(status(ask("/v2/os/a/manifests/latest"))).toBe(404);
    expect(status(ask(`/v2/os/a/blobs/sha256:${"0".repeat(64)}`))).toBe(404);
    expect(status(ask("/v2/os/a/../../secret"))).toBe(404);
  });
});
