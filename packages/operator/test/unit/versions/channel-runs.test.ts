/** When channels are read, in virtual time: intervals, errors, people who ask, replicas that lead or not. */
import { describe, expect, it } from "vitest";
import { ChannelError } from "../../../src/versions/errors.ts";
import { channelOf } from "./channel-of.ts";
import { ChannelWorld, SYNCED, type Status } from "./channel-world.ts";

const HOUR_MS = 3_600_000;

/** Admits a status without one of its fields, as a webhook does or a CRD that does not know it. */
function without(field: keyof Status): (status: Status) => Status {
  return (status) => {
    const { [field]: _, ...kept } = status;
    return kept;
  };
}

function busyFor(afterMs: number): ChannelError {
  return new ChannelError("CHANNEL_BUSY", "busy", { retry: { afterMs } });
}

describe("a channel", () => {
  it("is read at once, and then by its interval, a tenth more or less", async () => {
    const world = new ChannelWorld();
    world.apply(channelOf({ syncInterval: "1h" }));
    await world.time.pass(10 * HOUR_MS);
    const pauses = world.readAt.slice(1).map((at, index) => at - (world.readAt[index] ?? 0));
    expect(world.readAt.length).toBeGreaterThanOrEqual(9);
    expect(pauses.every((ms) => ms >= 0.9 * HOUR_MS - 1_000 && ms <= 1.1 * HOUR_MS + 1_000)).toBe(true);
    expect(new Set(pauses).size).toBeGreaterThan(1);
    expect(world.condition()).toMatchObject({ status: "True", reason: "Synchronized" });
  });

  it("is read again sooner and sooner less after errors, and by its interval when that has not helped", async () => {
    const world = new ChannelWorld();
    world.read = () => Promise.reject(new ChannelError("CHANNEL_TIMEOUT", "example.com: did not answer in time"));
    world.apply(channelOf());
    await world.time.pass(HOUR_MS);
    expect(world.readAt.length).toBeGreaterThanOrEqual(8);
    expect(world.readAt.length).toBeLessThanOrEqual(12);
    expect(world.condition()).toMatchObject({ status: "False", reason: "FailedToSync" });
    expect(world.condition()?.message).toMatch(/^CHANNEL_TIMEOUT: example.com: did not answer in time; /);
    world.read = () => Promise.resolve(SYNCED);
    await world.time.pass(3 * HOUR_MS);
    expect(world.stored()?.status?.failedSynchronizationAttempts).toBe(0);
  });

  it("says where it does not go by the spans that are written, whether it can be read or not", async () => {
    const world = new ChannelWorld();
    const options = { uri: "https://example.com/list.json", timeout: "10m" };
    const said =
      "spec.syncInterval: 5s is less than the least, 1m, which is used; " +
      "spec.options.timeout: 10m is more than the most, 5m, which is used";
    world.apply(channelOf({ syncInterval: "5s", options }));
    await world.time.pass(1_000);
    expect(world.condition()).toMatchObject({ status: "True", reason: "Synchronized", message: said });
    world.read = () => Promise.reject(new ChannelError("CHANNEL_TIMEOUT", "example.com: did not answer in time"));
    await world.time.pass(70_000);
    expect(world.condition()).toMatchObject({ status: "False", reason: "FailedToSync" });
    expect(world.condition()?.message).toMatch(new RegExp(`^CHANNEL_TIMEOUT: .*; ${said}$`));
  });

  it.each([
    ["json", 3_600, "5m", ""],
    ["custom", "720h", "1h", ""],
    ["custom", "60s", "10s", ""],
    [
      "custom",
      "721h",
      "61m",
      "spec.syncInterval: 721h is more than the most, 720h, which is used; spec.options.timeout: 61m is more than the most, 1h, which is used",
    ],
    [
      "json",
      0,
      0,
      "spec.syncInterval: 0 is less than the least, 1m, which is used; spec.options.timeout: 0 is less than the least, 1s, which is used",
    ],
  ])("of type %s, read every %j within %j, says %j of that", async (type, syncInterval, timeout, said) => {
    const world = new ChannelWorld();
    const options = { uri: "https://example.com/list.json", image: "r.example.com/list:v1", timeout };
    world.apply(channelOf({ type, syncInterval, options }));
    await world.time.pass(1_000);
    expect(world.condition()).toMatchObject({ status: "True", message: said });
  });

  it("leaves a server alone for as long as it asks", async () => {
    const world = new ChannelWorld();
    world.read = () => Promise.reject(busyFor(600_000));
    world.apply(channelOf());
    await world.time.pass(590_000);
    expect(world.readAt).toHaveLength(1);
    await world.time.pass(60_000);
    expect(world.readAt.length).toBeGreaterThan(1);
  });

  it("leaves a server alone for as long as it has asked another leader", async () => {
    const world = new ChannelWorld();
    world.read = () => Promise.reject(busyFor(600_000));
    world.apply(channelOf());
    await world.time.pass(10_000);
    expect(world.stored()?.status?.notBeforeTime).toBeDefined();
    await world.letAnotherLead();
    await world.time.pass(580_000);
    expect(world.readAt).toHaveLength(1);
    world.read = () => Promise.reject(new ChannelError("CHANNEL_TIMEOUT", "did not answer in time"));
    const request = { annotations: { "rancheros.cattle.io/sync": "please" } };
    world.apply(channelOf({}, { metadata: request }));
    await world.time.pass(5_000);
    expect(world.readAt).toHaveLength(2);
    world.read = () => Promise.resolve(SYNCED);
    await world.letAnotherLead();
    await world.time.pass(60_000);
    expect(world.readAt).toHaveLength(3);
    expect(world.readAt[2]).toBeGreaterThanOrEqual((world.readAt[0] ?? 0) + 600_000);
    expect(world.stored()?.status).not.toHaveProperty("notBeforeTime");
  });

  it.each<[string, { readonly metadata?: object; readonly notBeforeTime?: string }]>([
    ["another server", { metadata: { generation: 2 } }],
    ["a time that is no server's", { notBeforeTime: "2999-01-01T00:00:00Z" }],
    ["a time that is none", { notBeforeTime: "soon" }],
  ])("asks at once where another leader has left %s", async (_, { metadata, notBeforeTime }) => {
    const world = new ChannelWorld();
    world.admit = (status) => (notBeforeTime === undefined ? status : { ...status, notBeforeTime });
    world.read = () => Promise.reject(busyFor(600_000));
    world.apply(channelOf());
    await world.time.pass(1_000);
    world.read = () => Promise.resolve(SYNCED);
    if (metadata !== undefined) world.apply(channelOf({}, { metadata }));
    await world.letAnotherLead();
    await world.time.pass(6_000);
    expect(world.readAt).toHaveLength(2);
  });

  it("asks another server at once, whatever the one before has asked for", async () => {
    const world = new ChannelWorld();
    world.read = () => Promise.reject(busyFor(600_000));
    world.apply(channelOf());
    await world.time.pass(10_000);
    world.read = () => Promise.resolve(SYNCED);
    const options = { uri: "https://elsewhere.example.com/list.json" };
    world.apply(channelOf({ options }, { metadata: { generation: 2 } }));
    await world.time.pass(1_000);
    expect(world.readAt).toHaveLength(2);
    expect(world.condition()).toMatchObject({ status: "True" });
  });

  it.each([
    ["as it is written", (status: Status) => status],
    ["without the request that was carried out", without("syncRequest")],
  ])(
    "is read once for each request while its server wants to be left alone, its status stored %s",
    async (_, admit) => {
      const world = new ChannelWorld();
      world.admit = admit;
      const asked = (text: string) =>
        channelOf({}, { metadata: { annotations: { "rancheros.cattle.io/sync": text } } });
      world.read = () => Promise.reject(busyFor(600_000));
      world.apply(channelOf());
      await world.time.pass(10_000);
      world.apply(asked("now"));
      await world.time.pass(1_000);
      expect(world.readAt).toHaveLength(2);
      await world.time.pass(300_000);
      // Who takes a request back asks for nothing.
      world.apply(channelOf());
      await world.time.pass(1_000);
      world.apply(asked("now"));
      await world.time.pass(200_000);
      expect(world.readAt).toHaveLength(2);
      world.read = () => Promise.reject(new ChannelError("CHANNEL_TIMEOUT", "did not answer in time"));
      world.apply(asked("once more"));
      await world.time.pass(50_000);
      // What the server wished before this attempt still counts.
      expect(world.readAt).toHaveLength(3);
      await world.time.pass(HOUR_MS);
      expect(world.readAt.length).toBeGreaterThan(3);
    },
  );

  it("is read again for whoever asks while it is read, although its server then asks to be left alone", async () => {
    const world = new ChannelWorld();
    world.read = () => new Promise((_, reject) => void world.time.setTimer(() => reject(busyFor(600_000)), 1_000));
    world.apply(channelOf());
    await world.time.pass(500);
    world.apply(channelOf({}, { metadata: { annotations: { "rancheros.cattle.io/sync": "please" } } }));
    await world.time.pass(500_000);
    expect(world.readAt).toHaveLength(2);
  });

  it("is read when somebody asks, and when its spec is another one; what is under way for the old one ends", async () => {
    const world = new ChannelWorld();
    world.apply(channelOf());
    await world.time.pass(1_000);
    const annotations = { "rancheros.cattle.io/sync": "please" };
    world.apply(channelOf({}, { metadata: { annotations } }));
    await world.time.pass(1_000);
    expect(world.readAt).toHaveLength(2);
    let isAborted = false;
    world.read = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          isAborted = true;
          reject(new ChannelError("CHANNEL_INTERRUPTED", "changed"));
        });
      });
    world.apply(channelOf({}, { metadata: { annotations, generation: 2 } }));
    await world.time.pass(1_000);
    world.read = () => Promise.resolve(SYNCED);
    world.apply(channelOf({}, { metadata: { annotations, generation: 3 } }));
    await world.time.pass(1_000);
    expect(isAborted).toBe(true);
    expect(world.readAt).toHaveLength(4);
    expect(world.failures).toEqual([]);
    expect(world.stored()?.status).toMatchObject({ syncedGeneration: 3, failedSynchronizationAttempts: 0 });
  });

  it("is not read by a replica that does not lead, and at once by the one that begins to", async () => {
    const world = new ChannelWorld();
    world.isLeader = false;
    world.apply(channelOf());
    await world.time.pass(5 * HOUR_MS);
    expect(world.readAt).toEqual([]);
    world.isLeader = true;
    world.runs.lookAll();
    await world.time.pass(1_000);
    expect(world.readAt).toHaveLength(1);
  });

  it("is not read while it is off or wrong, which is said once", async () => {
    const world = new ChannelWorld();
    world.apply(channelOf({ enabled: false }));
    await world.time.pass(HOUR_MS);
    expect(world.condition()).toMatchObject({ status: "False", reason: "ChannelDisabled" });
    const version = world.stored()?.metadata.resourceVersion;
    world.runs.lookAll();
    await world.time.pass(HOUR_MS);
    expect(world.stored()?.metadata.resourceVersion).toBe(version);
    world.apply(channelOf({ options: { uri: "ftp://x" } }, { metadata: { generation: 2 } }));
    await world.time.pass(HOUR_MS);
    expect(world.condition()).toMatchObject({
      reason: "InvalidConfiguration",
      message: "spec.options.uri: is no http or https address",
    });
    expect(world.readAt).toEqual([]);
  });

  it("is not written about again and again where a message is cut within a character", async () => {
    const world = new ChannelWorld();
    // Of two code units each, so that one of the two is cut in the middle of one.
    for (const name of ["even", "odd"]) {
      const mountPath = `/${name}${"\u{1f4be}".repeat(500)}`;
      const options = { image: "r.example.com/list:1", mountPath, outputFile: "/elsewhere" };
      world.apply(channelOf({ type: "custom", options }, { metadata: { name, uid: name } }));
    }
    await world.time.pass(60_000);
    expect(world.condition("odd")).toMatchObject({ reason: "InvalidConfiguration" });
    expect(world.writes).toBe(2);
  });

  it("is written about seldom where something else is stored than what was written", async () => {
    const world = new ChannelWorld();
    world.admit = without("conditions");
    world.apply(channelOf({ enabled: false }));
    await world.time.pass(HOUR_MS);
    expect(world.writes).toBeLessThanOrEqual(240);
    world.admit = (status) => status;
    await world.time.pass(60_000);
    expect(world.condition()).toMatchObject({ reason: "ChannelDisabled" });
    world.apply(channelOf({}, { metadata: { generation: 2 } }));
    await world.time.pass(60_000);
    expect(world.readAt).toHaveLength(1);
  });

  it("is read seldom where the CRD knows less of its status than what is written", async () => {
    const world = new ChannelWorld();
    world.admit = without("syncedGeneration");
    world.apply(channelOf());
    await world.time.pass(HOUR_MS);
    expect(world.readAt.length).toBeGreaterThan(60);
    expect(world.readAt.length).toBeLessThanOrEqual(240);
  });

  it("does not hammer where its status cannot be written", async () => {
    const world = new ChannelWorld();
    world.apply(channelOf());
    await world.time.pass(1_000);
    world.isServerAway = true;
    world.apply(channelOf({}, { metadata: { generation: 2 } }));
    await world.time.pass(600_000);
    expect(world.readAt.length).toBeLessThanOrEqual(12);
    world.isServerAway = false;
    await world.time.pass(HOUR_MS / 2);
    expect(world.stored()?.status?.syncedGeneration).toBe(2);
  });

  it("is not read again at once where it is gone and the watch is late, and its successor does not wait", async () => {
    const world = new ChannelWorld();
    world.read = () => new Promise((resolve) => void world.time.setTimer(() => resolve(SYNCED), 100));
    world.apply(channelOf());
    world.forget();
    await world.time.pass(60_000);
    expect(world.readAt.length).toBeLessThanOrEqual(3);
    const before = world.readAt.length;
    world.apply(channelOf({}, { metadata: { uid: "another" } }));
    await world.time.pass(1_000);
    expect(world.readAt).toHaveLength(before + 1);
    expect(world.condition()).toMatchObject({ status: "True" });
  });

  it("waits for others where many are read at a time, and is not forgotten", async () => {
    const world = new ChannelWorld();
    world.read = () => new Promise((resolve) => void world.time.setTimer(() => resolve(SYNCED), 1_000));
    for (let index = 0; index < 20; index += 1) {
      world.apply(channelOf({}, { metadata: { name: `c${index}`, uid: `u${index}` } }));
    }
    await world.time.pass(30_000);
    expect(world.readAt).toHaveLength(20);
    expect(world.mostUnderWay).toBe(4);
  });

  it("that is gone is not read any more", async () => {
    const world = new ChannelWorld();
    world.apply(channelOf());
    await world.time.pass(1_000);
    world.runs.delete(channelOf());
    await world.time.pass(10 * HOUR_MS);
    expect(world.readAt).toHaveLength(1);
  });
});
