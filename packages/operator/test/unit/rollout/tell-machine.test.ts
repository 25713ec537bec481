/** Whether a machine goes on whose grant is not known here: the watch is late, or the image was made anew under its name. */
import type { ManagedOSImage, ManagedOSImageStatus, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import type { Phase } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";
import { KubernetesError } from "../../../src/controller/index.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import { createTellMachine } from "../../../src/rollout/tell-machine.ts";
import { digestPinned } from "./digest-pinned.ts";
import { plainMachine } from "./plain-machine.ts";
import { VirtualTime } from "./virtual-time.ts";

const NAMESPACE = "fleet-local";

const MACHINE = plainMachine();

const METADATA = { name: "os", namespace: NAMESPACE, uid: "i", resourceVersion: "1", generation: 1 };

/** @param stored  what the API server says, in place of nothing granted yet */
async function holds(
  phase: Phase,
  stored: (shown: ManagedOSImage, plan: string) => ManagedOSImage | undefined,
  watch: (index: RolloutIndex, shown: ManagedOSImage) => void = () => undefined,
  status: ManagedOSImageStatus = {},
) {
  const time = new VirtualTime();
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const pinned = digestPinned({ metadata: METADATA, spec: { osImage: "r.example.com/os:v1" } }, index);
  const shown = { ...pinned, status: { ...pinned.status, ...status } };
  index.putImage(shown);
  index.putMachine(MACHINE);
  const plan = index.image(`${NAMESPACE}/os`)?.plan ?? "";
  let reads = 0;
  const tellMachine = createTellMachine({
    index,
    store: {
      read: async () => {
        reads += 1;
        return stored(shown, plan);
      },
      writeStatus: () => Promise.reject(new Error("not used")),
    },
    refreshSources: () => Promise.reject(new Error("not used")),
    setTimer: time.setTimer,
    grounds: () => ({ isSynced: true, isUnread: false, areVersionsKnown: true }),
    touch: () => undefined,
  });
  const word = { image: "os", plan, attempt: 4, phase };
  const asked = tellMachine(MACHINE, word);
  // Said again before it was answered.
  const again = tellMachine(MACHINE, word);
  time.setTimer(() => watch(index, shown), 100);
  await time.pass(5_000);
  const { holdsSlot } = await asked;
  expect((await again).holdsSlot).toBe(holdsSlot);
  return { holdsSlot, reads };
}

function granted(shown: ManagedOSImage, plan: string): ManagedOSImage {
  const grantedAt = "2030-01-01T00:00:00Z";
  const slots = [{ machine: "m", uid: "u", cluster: "local", attempt: 4, plan, grantedAt }];
  const status: ManagedOSImageStatus = { ...shown.status, attempts: 4, slots };
  return { ...shown, metadata: { ...shown.metadata, resourceVersion: "9" }, status };
}

describe("a machine that speaks of a grant that is not known here", () => {
  it("goes on where the API server knows of it", async () => {
    expect(await holds("Draining", granted)).toEqual({ holdsSlot: true, reads: 1 });
  });

  it("goes on without a request where the watch shows the grant a moment later", async () => {
    const shows = (index: RolloutIndex, shown: ManagedOSImage): void => {
      index.putImage(granted(shown, shown.status?.plan ?? ""));
    };
    expect(await holds("Draining", () => undefined, shows)).toEqual({ holdsSlot: true, reads: 0 });
  });

  it("goes on where somebody has written into the status that more was granted than can be", async () => {
    const attempts = 2 ** 63;
    expect(await holds("Draining", granted, undefined, { attempts })).toEqual({ holdsSlot: true, reads: 1 });
  });

  it("is told that its slot is lost where this image never granted it, as one that was made anew", async () => {
    expect(await holds("Draining", (shown) => shown)).toEqual({ holdsSlot: false, reads: 1 });
  });

  it("is told so where the image is gone", async () => {
    expect(await holds("Staging", () => undefined)).toEqual({ holdsSlot: false, reads: 1 });
  });

  it("goes on while nobody can say", async () => {
    const unreachable = () => {
      throw new KubernetesError("KUBERNETES_UNREACHABLE", "no connection");
    };
    expect(await holds("Draining", unreachable)).toEqual({ holdsSlot: true, reads: 1 });
  });

  it("is not asked about after the switch, from which there is no way back", async () => {
    expect(await holds("Rebooting", (shown) => shown)).toEqual({ holdsSlot: true, reads: 0 });
  });
});

describe("a machine that holds a slot of a version which the watch has not shown", () => {
  const versionOf = (upgradeImage: string): ManagedOSVersionSpec => ({ version: "v1.0.0", metadata: { upgradeImage } });
  const NEW = versionOf("r.example.com/os:v2");

  /** @param refresh  what becomes of the version that is shown, when it is read anew */
  async function holdsOf(phase: Phase, refresh: (shown: ManagedOSVersionSpec) => ManagedOSVersionSpec) {
    let shown = versionOf("r.example.com/os:v1");
    let reads = 0;
    const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined }, { find: () => shown });
    const other = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined }, { find: () => NEW });
    const image = digestPinned({ metadata: METADATA, spec: { managedOSVersionName: "v" } }, other);
    const plan = image.status?.plan ?? "";
    const stored = granted(image, plan);
    index.putImage(stored);
    index.putMachine(MACHINE);
    const tellMachine = createTellMachine({
      index,
      store: { read: async () => stored, writeStatus: () => Promise.reject(new Error("not used")) },
      async refreshSources() {
        reads += 1;
        shown = refresh(shown);
        index.putImage(stored);
      },
      setTimer: (run) => {
        run();
        return () => undefined;
      },
      grounds: () => ({ isSynced: true, isUnread: false, areVersionsKnown: true }),
      touch: () => undefined,
    });
    const { holdsSlot } = await tellMachine(MACHINE, { image: "os", plan, attempt: 4, phase });
    return { holdsSlot, reads };
  }

  it("goes on, as the API server has that version", async () => {
    expect(await holdsOf("Draining", () => NEW)).toEqual({ holdsSlot: true, reads: 1 });
  });

  it("goes on while nobody can say", async () => {
    const unreachable = () => {
      throw new KubernetesError("KUBERNETES_UNREACHABLE", "no connection");
    };
    expect(await holdsOf("Draining", unreachable)).toEqual({ holdsSlot: true, reads: 1 });
  });

  it("is told that its slot is lost where the version is another one", async () => {
    expect(await holdsOf("Draining", (shown) => shown)).toEqual({ holdsSlot: false, reads: 1 });
  });

  it("is not asked about after the switch", async () => {
    expect(await holdsOf("Rebooting", (shown) => shown)).toEqual({ holdsSlot: true, reads: 0 });
  });
});
