/** A containerd that has an image of busybox, for one file of tests; after each of them nothing of a container may be left. */
import { readdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect } from "vitest";

import { buildImage, busyboxLayer } from "../../../../../test/registry/index.ts";
import { startImageGround, type ImageGround } from "./image-ground.ts";

export interface BusyboxGround {
  readonly ground: ImageGround;
  /** By digest. */
  readonly image: string;
}

/** @param name  as of `startImageGround`. @returns to be called from tests on */
export function useBusybox(name: string): () => BusyboxGround {
  let used: BusyboxGround | undefined;
  const present = (): BusyboxGround => {
    if (used === undefined) throw new Error("the containerd is not there yet");
    return used;
  };
  beforeAll(async () => {
    const ground = await startImageGround(name);
    const image = await ground.push("os/run", buildImage({ layers: [busyboxLayer()] }));
    used = { ground, image };
    await ground.pull(image);
  });
  afterEach(async () => {
    const { containerd, containers } = present().ground;
    expect(await containerd.leftovers()).toEqual([]);
    expect(readdirSync(containers.runFolder)).toEqual([]);
  });
  afterAll(() => used?.ground.stop());
  return present;
}
