/** A pull that the runtime's program gives up, while its registry is the one that does not answer. */
import { expect, it } from "vitest";

import type { RuntimeDriver } from "../../../src/containers/driver.ts";
import { ContainerError, type ContainerErrorCode } from "../../../src/containers/errors.ts";
import { pullImageThrough } from "../../../src/containers/pull-image.ts";
import { ImagePullError } from "../../../src/images/errors.ts";
import { parsePinnedImage } from "../../../src/images/image-reference.ts";
import { NO_REGISTRIES } from "../../../src/images/registries.ts";
import { StreamTroubles } from "../../../src/images/stream-troubles.ts";

const IMAGE = `registry.example.com/os@sha256:${"a".repeat(64)}`;
const AWAY = new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", "registry.example.com: nothing listens there");

const unused = async (): Promise<never> => {
  throw new Error("not used here");
};

/** @param code  with which the runtime's program gives up */
async function failureOf(code: ContainerErrorCode, trouble: ImagePullError | undefined): Promise<unknown> {
  const ended = async (): Promise<void> => undefined;
  const image = parsePinnedImage(IMAGE);
  const driver: RuntimeDriver = {
    nameOf: () => IMAGE,
    storedImage: async () => "absent",
    load: () => Promise.reject(new ContainerError(code, "loading failed: Get http://127.0.0.1:41007/v2/: EOF")),
    mark: unused,
    ownImages: unused,
    removeImage: unused,
    cleanUp: unused,
    storageNeed: async () => ({ transferBytes: 0, unpackBytes: 0 }),
    readFiles: unused,
    storageFolder: async () => "/",
    inspect: unused,
    start: unused,
    signal: unused,
    exitCode: unused,
    letGo: unused,
    remove: unused,
    followOutput: () => {
      throw new Error("not used here");
    },
  };
  const folder = {
    path: "/run/x",
    prepare: ended,
    write: unused,
    makeFolder: unused,
    read: unused,
    keepOnly: unused,
    remove: ended,
  };
  const platform = { os: "linux", architecture: "amd64", variant: undefined };
  const config = { mediaType: "", digest: image.digest, sizeBytes: 1 };
  const of = { image, platform, manifestDigest: image.digest, manifests: new Map<string, Buffer>(), config };
  const description = { ...of, layers: [], diffIds: [], transferBytes: 1 };
  const relay = {
    host: "127.0.0.1:41007",
    username: "u",
    password: "p",
    failure: () => undefined,
    trouble: () => trouble,
    close: ended,
  };
  const outside = {
    driver,
    folder,
    platform,
    openImage: async () => ({
      description,
      relay: async () => relay,
      blob: () => {
        throw new Error("not used here");
      },
    }),
    freeSpace: async () => ({ path: "/", freeBytes: 1e12 }),
  };
  const signal = new AbortController().signal;
  const options = { image: IMAGE, registries: NO_REGISTRIES, policies: [], signal };
  return pullImageThrough(outside, options).catch((error: unknown) => error);
}

it.each(["CONTAINER_RUNTIME_FAILED", "CONTAINER_RUNTIME_UNREACHABLE", "CONTAINER_TIMED_OUT"] as const)(
  "is the registry's fault where the runtime only says %s of our own server",
  async (code) => {
    expect(await failureOf(code, AWAY)).toBe(AWAY);
    expect(await failureOf(code, undefined)).toMatchObject({ code });
  },
);

it("is the disk's where that is full, whatever the registry does", async () => {
  expect(await failureOf("CONTAINER_DISK_FULL", AWAY)).toMatchObject({ code: "CONTAINER_DISK_FULL" });
});

it("has a reason as long as a layer does not come, also one that its caller has left", () => {
  const troubles = new StreamTroubles();
  const [first, second] = [troubles.watch(), troubles.watch()];
  expect(troubles.newest).toBeUndefined();
  first.failed(AWAY);
  second.went();
  expect(troubles.newest).toBe(AWAY);
  first.went();
  expect(troubles.newest).toBeUndefined();
});
