/** What channels give, good and bad: read, bounded, named, compared with what is there. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  channelContent,
  entriesOfTags,
  readEntries,
  type RawEntry,
  type Wanted,
} from "../../../src/versions/channel-list.ts";
import { compileChannel } from "../../../src/versions/channel-source.ts";
import { ChannelError } from "../../../src/versions/errors.ts";
import { labelValue, objectName } from "../../../src/versions/object-name.ts";
import { planSync, type StoredVersion } from "../../../src/versions/plan-sync.ts";
import { channelOf } from "./channel-of.ts";

const channel = compileChannel(channelOf());
const IMAGE = "registry.example.com/os:v1";

function entry(name: unknown, version: unknown = "v1.0.0", more: object = {}): RawEntry {
  return { name, spec: { version, metadata: { upgradeImage: IMAGE }, ...more } };
}

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ChannelError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "read";
}

describe("readEntries", () => {
  const read = (text: string | Buffer) => readEntries(Buffer.from(text), "example.com");

  it("takes a list of ManagedOSVersions, with a byte order mark or without", () => {
    const list = JSON.stringify([
      { kind: "ManagedOSVersion", metadata: { name: "a" }, spec: { version: "1.0.0" } },
      7,
      null,
    ]);
    const entries = [
      { name: "a", spec: { version: "1.0.0" } },
      { name: undefined, spec: undefined },
      { name: undefined, spec: undefined },
    ];
    expect(read(list)).toEqual(entries);
    expect(read(`\uFEFF${list}\n`)).toEqual(entries);
  });

  it.each([
    ["", "gives nothing"],
    ["  \n", "gives nothing"],
    ["<html>", "a web page instead of JSON"],
    ["[{", "something other than JSON"],
    ["{}", "JSON, but no list"],
    ["null", "JSON, but no list"],
    ['"[]"', "JSON, but no list"],
  ])("refuses %j", (text, words) => {
    expect(codeOf(() => read(text))).toContain("CHANNEL_NONSENSE: example.com: ");
    expect(codeOf(() => read(text))).toContain(words);
  });

  it("refuses a list of more entries than any channel needs, however small they are", () => {
    expect(read(`[${"0,".repeat(9_999)}0]`)).toHaveLength(10_000);
    expect(codeOf(() => read(`[${"0,".repeat(10_000)}0]`))).toContain(
      "CHANNEL_NONSENSE: example.com: gives 10001 entries, more than 10000",
    );
  });

  it("reads or refuses any bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(codeOf(() => channelContent(readEntries(Buffer.from(bytes), "x"), channel))).toMatch(
            /^(read|CHANNEL_NONSENSE: .*)$/,
          );
        },
      ),
    );
  });
});

describe("channelContent", () => {
  it("puts the newest first, and leaves the oldest out where there are too many", () => {
    const few = compileChannel(channelOf({ options: { uri: "https://example.com/", maxVersions: 2 } }));
    const { wanted, skipped, problems } = channelContent(
      [entry("b", "v1.10.0"), entry("a", "v1.9.0"), entry("c", "v1.10.0-rc1")],
      few,
    );
    expect(wanted.map(({ name }) => name)).toEqual(["b", "c"]);
    expect(skipped).toBe(1);
    expect(problems).toEqual(["1 older versions are left out: a channel has at most 2"]);
  });

  it.each<[string, RawEntry, string]>([
    ["no name", entry(undefined), "entry 1: metadata.name: is missing"],
    ["a name that is none", entry(7), "entry 1: metadata.name: is missing"],
    ["no spec", { name: "a", spec: undefined }, '"a": spec: is missing'],
    ["a spec that is none", { name: "a", spec: [] }, '"a": spec: '],
    ["a version that is none", entry("a", "latest"), '"a": spec.version: "latest" is no semantic version'],
    ["a version of another type", entry("a", 1), '"a": spec: /version'],
    ["another type", entry("a", "v1.0.0", { type: "tar" }), '"a": spec: /type'],
    ["no image", { name: "a", spec: { version: "v1.0.0" } }, '"a": spec.metadata.upgradeImage is missing'],
    ["a bad minVersion", entry("a", "v1.0.0", { minVersion: "x" }), '"a": spec.minVersion: "x"'],
    ["too much in it", entry("a", "v1.0.0", { more: "x".repeat(70_000) }), '"a": spec: is missing, or larger than'],
    [
      "too deep a nest",
      entry("a", "v1.0.0", { metadata: JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) as unknown }),
      '"a": spec: is nested too deeply',
    ],
  ])("skips an entry with %s, and says so", (_, bad, words) => {
    const { wanted, unread, skipped, problems } = channelContent([bad, entry("good")], channel);
    expect(wanted.map(({ name }) => name)).toEqual(["good"]);
    expect([...unread]).toEqual(bad.name === "a" ? ["a"] : []);
    expect(skipped).toBe(1);
    expect(problems[0]).toContain(words);
  });

  it("knows of an entry that it cannot read nothing but the object's name, and only where no other one has it", () => {
    const bad = (name: string): RawEntry => ({ name, spec: {} });
    const { unread } = channelContent([bad("a"), entry("a"), bad("V1 beta"), entry("c")], channel);
    expect([...unread]).toEqual([expect.stringMatching(/^v1-beta-[0-9a-f]{8}$/)]);
  });

  it("takes the first of two with one name, also where only the object's name is one", () => {
    const { wanted, skipped } = channelContent(
      [entry("a", "v1.0.0"), entry("a", "v2.0.0"), entry("A"), entry("A")],
      channel,
    );
    expect(wanted.map(({ spec }) => spec.version)).toEqual(["v1.0.0", "v1.0.0"]);
    expect(skipped).toBe(2);
  });

  it("keeps media to install from, and puts the registry before images only", () => {
    const own = compileChannel(
      channelOf({ registry: "mirror.example.com/all/", upgradeContainer: { command: ["/up"] } }),
    );
    const iso = { name: "iso", spec: { version: "v1.0.0", type: "iso", metadata: { uri: "x" } } };
    const [first, second] = channelContent([iso, entry("os", "v2.0.0")], own).wanted;
    expect(first?.spec).toMatchObject({ metadata: { upgradeImage: `mirror.example.com/all/${IMAGE}` } });
    expect(first?.spec.upgradeContainer).toEqual({ command: ["/up"] });
    expect(second?.spec.metadata).toEqual({ uri: "x" });
  });

  it("is bounded by 1,000 versions whatever is asked for", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => entry(`v-${index}`, `v1.0.${index}`));
    const { wanted, skipped } = channelContent(many, channel);
    expect(wanted).toHaveLength(1_000);
    expect(wanted[0]?.name).toBe("v-9999");
    expect(skipped).toBe(9_000);
  });
});

describe("entriesOfTags", () => {
  it("makes an entry of each tag that is a version, and of no other", () => {
    const tags = ["latest", "v1.0.0", "1.1.0", "sha256-abc.sig", "v2.0.0"];
    const entries = entriesOfTags(tags, { name: "r/os", minVersion: undefined }, ({ main }) => main[0] === "1", "c");
    expect(entries.map(({ name }) => name)).toEqual(["c-v1.0.0", "c-1.1.0"]);
    expect(channelContent(entries, channel).wanted.map(({ spec }) => spec.metadata?.upgradeImage)).toEqual([
      "r/os:1.1.0",
      "r/os:v1.0.0",
    ]);
  });
});

describe("names of objects", () => {
  it.each(["v1.0.0", "a", "a-b.c-1"])("are kept where they are names: %s", (name) => {
    expect(objectName(name)).toBe(name);
  });

  it("are names whatever is wished for, the same each time, and another for another", () => {
    const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 300 }), fc.string({ minLength: 1, maxLength: 300 }), (a, b) => {
        const [nameA, nameB] = [objectName(a), objectName(b)];
        expect(nameA).toMatch(NAME);
        expect(nameA.length).toBeLessThanOrEqual(253);
        expect(labelValue(a)).toMatch(NAME);
        expect(labelValue(a).length).toBeLessThanOrEqual(63);
        expect(objectName(a)).toBe(nameA);
        if (a !== b) expect(nameA).not.toBe(nameB);
      }),
    );
  });
});

describe("planSync", () => {
  const wantedOf = (name: string, version = "v1.0.0"): Wanted => ({
    name,
    nameInChannel: undefined,
    spec: { version, metadata: { upgradeImage: IMAGE } },
  });
  const storedOf = (name: string, more: Partial<StoredVersion> = {}): StoredVersion => ({
    name,
    beingDeleted: false,
    annotations: {},
    spec: { ...wantedOf(name).spec, upgradeContainer: null },
    ...more,
  });
  const MARKED = { "rancheros.cattle.io/channel-no-longer-in-sync": "true" };
  const NONE: ReadonlySet<string> = new Set();

  it("makes what is missing and leaves what is as it should be", () => {
    const plan = planSync([wantedOf("a"), wantedOf("b")], [storedOf("a")], NONE, true);
    expect(plan).toMatchObject({ create: [{ name: "b" }], update: [], mark: [], remove: [], outOfSync: 0 });
  });

  it("puts right what somebody has changed by hand, and takes a mark away that is not true any more", () => {
    const changed = storedOf("a", { spec: { version: "v9.9.9" } });
    const back = storedOf("b", { annotations: MARKED });
    const { update } = planSync([wantedOf("a"), wantedOf("b")], [changed, back], NONE, true);
    expect(update.map(({ stored }) => stored.name)).toEqual(["a", "b"]);
  });

  it("marks once what the channel lost, and deletes it only where it may and nobody uses it", () => {
    const stored = [storedOf("used"), storedOf("idle"), storedOf("known", { annotations: MARKED })];
    const kept = planSync([], stored, NONE, false);
    expect(kept).toMatchObject({ mark: [{ name: "used" }, { name: "idle" }], remove: [], outOfSync: 3 });
    const deleted = planSync([], stored, new Set(["used"]), true);
    expect(deleted).toMatchObject({
      mark: [{ name: "used" }],
      remove: [{ name: "idle" }, { name: "known" }],
      outOfSync: 1,
    });
  });

  it("leaves alone what is being deleted", () => {
    const going = storedOf("a", { beingDeleted: true, spec: {} });
    expect(planSync([wantedOf("a")], [going], NONE, true)).toMatchObject({ create: [], update: [], remove: [] });
    expect(planSync([], [going], NONE, true)).toMatchObject({ mark: [], remove: [], outOfSync: 0 });
  });

  it("has nothing to do when it has been carried out, whatever there was, and never deletes what is in use", () => {
    const names = fc.subarray(["a", "b", "c", "d", "e", "f"]);
    const versions = fc.constantFrom("v1.0.0", "v2.0.0");
    const world = fc.record({
      now: names,
      before: names,
      used: names,
      deletes: fc.boolean(),
      version: versions,
      mark: fc.boolean(),
    });
    fc.assert(
      fc.property(world, ({ now, before, used, deletes, version, mark }) => {
        const wanted = now.map((name) => wantedOf(name));
        const inUse = new Set(used);
        const stored = before.map((name) =>
          storedOf(name, { spec: wantedOf(name, version).spec, annotations: mark ? MARKED : {} }),
        );
        const plan = planSync(wanted, stored, inUse, deletes);
        expect(plan.remove.filter(({ name }) => inUse.has(name) || now.includes(name))).toEqual([]);
        const gone = new Set(plan.remove);
        const after = [
          ...stored
            .filter((one) => !gone.has(one))
            .map((one) => {
              const updated = plan.update.find((change) => change.stored === one);
              if (updated !== undefined) return { ...one, spec: updated.wanted.spec, annotations: {} };
              return plan.mark.includes(one) ? { ...one, annotations: MARKED } : one;
            }),
          ...plan.create.map(({ name, spec }) => storedOf(name, { spec })),
        ];
        expect(planSync(wanted, after, inUse, deletes)).toMatchObject({
          create: [],
          update: [],
          mark: [],
          remove: [],
        });
      }),
    );
  });
});
