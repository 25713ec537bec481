/** Which image that cannot be read keeps which machines from being decided about. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { STATUS_MESSAGE_MAX_CHARACTERS } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { UnreadImages, unreadSentence, type UnreadImage } from "../../../src/rollout/unread-images.ts";

const NAMESPACE = "fleet-local";

function metadataOf(name: string, day: number, namespace = NAMESPACE) {
  const creationTimestamp = `2030-01-0${day}T00:00:00Z`;
  return { name, namespace, uid: `uid-${name}`, resourceVersion: "1", generation: 1, creationTimestamp };
}

function unread(name: string, day: number, namespace?: string): UnreadImage {
  return {
    metadata: metadataOf(name, day, namespace),
    problems: ["/spec/order must be something else"],
    conditions: [],
  };
}

function indexWith(...images: readonly (readonly [string, number])[]): RolloutIndex {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  for (const [name, day] of images) {
    const image: ManagedOSImage = { metadata: metadataOf(name, day), spec: { osImage: "r.example.com/os:v1" } };
    index.putImage(image);
  }
  return index;
}

describe("an image that cannot be read", () => {
  it.each([
    ["of which nothing is known keeps the machines of younger ones, and of none", 1, undefined, ["older", "older"]],
    ["has nothing to say to machines of an older one", 3, undefined, [undefined, "older"]],
    ["of another namespace keeps nobody", 1, "fleet-default", [undefined, undefined]],
  ])("%s", (_, day, namespace, expected) => {
    const index = indexWith(["os", 2]);
    const images = new UnreadImages(index);
    images.put(unread("older", day, namespace));
    const of = [index.image(`${NAMESPACE}/os`), undefined];
    expect(of.map((image) => images.before(NAMESPACE, image)?.metadata.name)).toEqual(expected);
  });

  it("of which the last state is known keeps its own machines, and no others", () => {
    const index = indexWith(["older", 1], ["os", 2]);
    const images = new UnreadImages(index);
    images.put(unread("older", 1));
    const of = [index.image(`${NAMESPACE}/older`), index.image(`${NAMESPACE}/os`), undefined];
    expect(of.map((image) => images.before(NAMESPACE, image)?.metadata.name)).toEqual(["older", undefined, undefined]);
    images.delete(`${NAMESPACE}/older`);
    expect(images.before(NAMESPACE, of[0])).toBeUndefined();
  });

  it("of which the state before was missed keeps the machines of younger ones, and of none", () => {
    const index = indexWith(["older", 1], ["os", 2]);
    const of = [index.image(`${NAMESPACE}/os`), undefined];
    const images = new UnreadImages(index);
    const seen = (generation: number): readonly (string | undefined)[] => {
      const { metadata, ...rest } = unread("older", 1);
      images.put({ ...rest, metadata: { ...metadata, generation } });
      return of.map((image) => images.before(NAMESPACE, image)?.metadata.name);
    };
    // One after the other, none of them can have been for other machines that can be read.
    expect([seen(1), seen(2), seen(3)].flat()).toEqual(Array.from({ length: 6 }, () => undefined));
    expect(seen(5)).toEqual(["older", "older"]);
    expect(seen(6)).toEqual(["older", "older"]);
  });

  it("says what is wrong and what to do, in no more than machines take", () => {
    const problems = Array.from({ length: 200 }, (__, at) => `/spec/field${at} must be something else`);
    const sentence = unreadSentence({ metadata: metadataOf("n".repeat(253), 1, "s".repeat(63)), problems });
    expect(sentence.length).toBe(STATUS_MESSAGE_MAX_CHARACTERS);
    expect(sentence).toContain("/spec/field0 must be");
    expect(sentence).toMatch(/change or delete it, or run the operator of the chart that it was written for$/);
  });
});
