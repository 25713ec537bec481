/** Answers that come after the watch has shown what became of their object: they bring nothing back, and take nothing away. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { beforeEach, describe, expect, it } from "vitest";
import { loseImage, loseMachine, renewImage, renewMachine } from "../../../src/rollout/late-answers.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";

const NAMESPACE = "fleet-local";
const KEY = `${NAMESPACE}/os`;
let index: RolloutIndex;

function machine(uid: string, resourceVersion: string): RolloutMachine {
  return {
    metadata: { name: "m", namespace: NAMESPACE, uid, resourceVersion },
    approval: "Approved",
    beingDeleted: false,
    rollout: {
      clusterName: undefined,
      role: "server",
      labels: {},
      lastSeenMs: undefined,
      retry: undefined,
      upgrade: undefined,
    },
  };
}

function image(uid: string, resourceVersion: string): ManagedOSImage {
  const metadata = { name: "os", namespace: NAMESPACE, uid, resourceVersion, generation: 1 };
  return { metadata, spec: { osImage: "r.example.com/os:v1" } };
}

beforeEach(() => {
  index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  index.putImage(image("i1", "1"));
  index.putMachine(machine("u1", "2"));
});

describe("a machine", () => {
  it("that was seen to go is not counted again by an answer from before", () => {
    index.deleteMachine(machine("u1", "2"));
    expect(renewMachine(index, machine("u1", "2")).size).toBe(0);
    expect([index.size, index.image(KEY)?.counts.total, index.servers.membersOf(NAMESPACE, "local")]).toEqual([
      0, 0, 0,
    ]);
  });

  it("that the watch shows again, as after a restore, is there again", () => {
    index.deleteMachine(machine("u1", "2"));
    index.putMachine(machine("u1", "9"));
    renewMachine(index, machine("u1", "9"));
    expect(index.image(KEY)?.counts.total).toBe(1);
  });

  it("that was made anew stays when an answer says that the one before is gone", () => {
    index.putMachine(machine("u2", "5"));
    expect(loseMachine(index, "u1").size).toBe(0);
    expect(index.machine("u2")?.machine.metadata.uid).toBe("u2");
    renewMachine(index, machine("u1", "3"));
    expect([index.machine("u1"), index.size]).toEqual([undefined, 1]);
  });
});

describe("an image", () => {
  it("that was seen to go claims no machine again by the answer of a write", () => {
    index.deleteImage(image("i1", "1"));
    expect(renewImage(index, image("i1", "3")).size).toBe(0);
    expect([index.image(KEY), index.machine("u1")?.claims]).toEqual([undefined, []]);
  });

  it("that was made anew is neither replaced nor lost by answers about the one before", () => {
    index.putImage(image("i2", "5"));
    renewImage(index, image("i1", "4"));
    loseImage(index, image("i1", "1"));
    expect(index.image(KEY)?.image.object.metadata.uid).toBe("i2");
    expect(index.image(KEY)?.counts.total).toBe(1);
    loseImage(index, image("i2", "5"));
    expect(index.image(KEY)).toBeUndefined();
  });
});

describe("after the API server was put back to an earlier state", () => {
  beforeEach(() => {
    index.putImage(image("i1", "100"));
    index.putMachine(machine("u1", "101"));
    index.imagesWentBack();
    index.machinesWentBack();
  });

  it("what the watch shows first counts, whatever its version, and from then on what is later", () => {
    index.putMachine(machine("u1", "41"));
    index.putMachine(machine("u1", "40"));
    expect(index.machine("u1")?.machine.metadata.resourceVersion).toBe("41");
    index.putImage(image("i1", "43"));
    index.putImage(image("i1", "42"));
    expect(index.image(KEY)?.image.source.metadata.resourceVersion).toBe("43");
  });

  it("an image that is looked at once more for its version's sake waits for what the watch shows", () => {
    const known = index.image(KEY)?.image.source;
    if (known !== undefined) index.putImage(known);
    index.putImage(image("i1", "43"));
    expect(index.image(KEY)?.image.source.metadata.resourceVersion).toBe("43");
  });

  it("an image of the same generation is not taken for the same", () => {
    index.putImage({ ...image("i1", "43"), spec: { osImage: "r.example.com/os:v1", suspend: true } });
    expect(index.image(KEY)?.image.isSuspended).toBe(true);
  });
});
