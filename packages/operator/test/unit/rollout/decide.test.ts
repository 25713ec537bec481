/** One decision by itself, on any state of the world, however it came about. */
import { parseManagedOSImage, type ManagedOSImageSpec, type ManagedOSImageStatus } from "@rancheros/protocol/resources";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concurrencyOf, serversAwayAtMost } from "../../../src/rollout/amount.ts";
import { effectiveImage } from "../../../src/rollout/effective-image.ts";
import { NO_VERSIONS } from "../../../src/versions/index.ts";
import { compileImage } from "../../../src/rollout/compile-image.ts";
import { decide } from "../../../src/rollout/decide.ts";
import { ALWAYS_HEARD } from "../../../src/rollout/hearing.ts";
import type { RolloutView } from "../../../src/rollout/rollout-view.ts";
import type { Holder } from "../../../src/rollout/slot-fate.ts";
import { SLOTS_MAX, type Slot } from "../../../src/rollout/slot.ts";
import type { RolloutMachine } from "../../../src/rollout/index.ts";
import { CLUSTERS, machine, NOW_MS, PLAN, slotOf, type Upgrade } from "./slot-of.ts";

interface World {
  readonly machines: readonly RolloutMachine[];
  readonly slots: readonly Slot[];
  readonly concurrency: number | string;
  readonly otherServersAway: number;
}

function viewOf({ machines, slots, concurrency, otherServersAway }: World, more: ManagedOSImageSpec = {}): RolloutView {
  const object = {
    metadata: { name: "os", namespace: "n", uid: "i", resourceVersion: "1", generation: 1 },
    spec: {
      osImage: "r.example.com/os:v1",
      targets: [{ clusterSelector: {} }],
      concurrency,
      failureBudget: "100%",
      ...more,
    },
    status: { attempts: 100, slots: [...slots] },
  };
  const image = compileImage(effectiveImage(object, NO_VERSIONS));
  const of = (uid: string) => machines.find(({ metadata }) => metadata.uid === uid);
  return {
    image,
    plan: PLAN,
    heard: ALWAYS_HEARD,
    counts: { total: machines.length, done: 0, broken: 0, refused: 0, canaries: 0, canariesDone: 0 },
    conflicts: new Map(),
    refusals: new Map(),
    silentServers: () => [],
    clusters: 2,
    holder(uid): Holder {
      const found = of(uid);
      return found === undefined
        ? { kind: "unknown", goneAtMs: Number.POSITIVE_INFINITY }
        : { kind: "known", machine: found, isClaimed: true };
    },
    seen: () => undefined,
    cluster: (name) => ({
      total: machines.filter(({ rollout }) => rollout.clusterName === name).length,
      servers: machines.filter(({ rollout }) => rollout.clusterName === name && rollout.role === "server").length,
      otherServersAway: () => new Set(Array.from({ length: otherServersAway }, (_, index) => `other-${index}`)),
      busy: () => [],
    }),
  };
}

const world: fc.Arbitrary<World> = fc
  .record({
    roles: fc.array(fc.constantFrom("server", "agent"), { minLength: 1, maxLength: 24 }),
    held: fc.array(fc.nat(23), { maxLength: 6 }),
    concurrency: fc.constantFrom<number | string>(0, 1, 2, 5, "10%", "50%", "100%"),
    otherServersAway: fc.constantFrom(0, 0, 1),
  })
  .map(({ roles, held, ...rest }) => {
    const machines = roles.map((role, index) => machine(index, role));
    const holders = [...new Set(held)].flatMap((index) => machines[index] ?? []);
    return { machines, slots: holders.map((one, index) => slotOf(one, index + 1)), ...rest };
  });

describe("a decision", () => {
  it("counts a machine once that somebody has written into the status twice, and writes it once", () => {
    const machines = [machine(0, "agent"), machine(2, "agent"), machine(4, "agent")];
    const [first, second, third] = machines.map((one, index) => slotOf(one, index + 1)) as [Slot, Slot, Slot];
    const view = viewOf({ machines, slots: [first, second, first], concurrency: 3, otherServersAway: 0 });
    const failure = { machine: "m4", uid: third.uid, attempt: 3, plan: PLAN, time: first.grantedAt, reason: "Failed" };
    const failures = [failure, failure] as never;
    const broken = { ...view.image.object, status: { ...view.image.object.status, failures } };
    const image = { ...view.image, object: broken };
    const { status } = decide({ ...view, image }, [], NOW_MS);
    expect(status).toMatchObject({ updating: 2, failed: 1, slots: [first, second], failures: [failure] });
  });

  it("grants no more than the concurrency and the quorum of each cluster leave, whoever asks", () => {
    fc.assert(
      fc.property(world, (given) => {
        const view = viewOf(given);
        const candidates = given.machines.map((one) => ({ machine: one, cluster: one.rollout.clusterName ?? "" }));
        const { status, granted } = decide(view, candidates, NOW_MS);
        for (const name of CLUSTERS) {
          const { total, servers } = view.cluster(name);
          const before = given.slots.filter(({ cluster }) => cluster === name);
          const after = (status.slots ?? []).filter(({ cluster }) => cluster === name);
          const limit = concurrencyOf(view.image.concurrency, total);
          // What was granted before under another limit stays; nothing comes on top of it.
          expect(after.length).toBeLessThanOrEqual(Math.max(before.length, limit));
          const away = (slots: readonly Slot[]) => slots.filter(({ isServer }) => isServer === true).length;
          const quorum = Math.max(0, serversAwayAtMost(servers) - given.otherServersAway);
          expect(away(after)).toBeLessThanOrEqual(Math.max(away(before), quorum));
          // And as many as may: without servers nothing but the limit holds anybody back.
          if (servers === 0) expect(after.length).toBe(Math.max(before.length, Math.min(limit, total)));
        }
        expect(granted.every(({ attempt }) => attempt > 100)).toBe(true);
        expect(new Set((status.slots ?? []).map(({ uid }) => uid)).size).toBe(status.slots?.length);
      }),
      { numRuns: 500 },
    );
  });

  it("takes away what the original operator said of its bundle, and nobody else's conditions", () => {
    const view = viewOf({ machines: [], slots: [], concurrency: 1, otherServersAway: 0 });
    const conditions = [
      { type: "Ready", status: "True", lastUpdateTime: "2022-04-20T10:00:00Z" },
      { type: "Defined", status: "True", lastUpdateTime: "2022-04-20T10:00:00Z" },
      { type: "Audited", status: "True", reason: "ByHand" },
    ];
    const { object } = view.image;
    const image = { ...view.image, object: { ...object, status: { ...object.status, conditions } } };
    const types = decide({ ...view, image }, [], NOW_MS).status.conditions?.map(({ type }) => type);
    expect(types).toContain("Audited");
    expect(types).toContain("Complete");
    expect(types).not.toContain("Ready");
    expect(types).not.toContain("Defined");
  });

  it("has no more slots than a status can hold, whatever concurrency is, and says so", () => {
    const machines = Array.from({ length: SLOTS_MAX + 10 }, (_, index) => machine(index, "agent"));
    const slots = machines.slice(0, SLOTS_MAX - 1).map((one, index) => slotOf(one, index + 1));
    const view = viewOf({ machines, slots, concurrency: "100%", otherServersAway: 0 });
    const candidates = machines.slice(-2).map((one) => ({ machine: one, cluster: one.rollout.clusterName ?? "" }));
    const { status, granted, refused } = decide(view, candidates, NOW_MS);
    expect(granted).toHaveLength(1);
    expect(status.slots).toHaveLength(SLOTS_MAX);
    expect([...refused.values()]).toMatchObject([{ reason: "Queued" }]);
    const limit = status.conditions?.find(({ type }) => type === "SlotLimit");
    expect(limit?.status).toBe("True");
    expect(limit?.message).toContain(`${SLOTS_MAX} machines`);
    const before = decide(view, [], NOW_MS).status.conditions?.find(({ type }) => type === "SlotLimit");
    expect(before?.status).toBe("False");
  });

  it("lets canaries be watched for ever where somebody asks for more years than there are", () => {
    const more = { canary: { selector: { matchLabels: { first: "yes" } }, soakTime: "9999999999h" } };
    const view = viewOf({ machines: [machine(0, "agent")], slots: [], concurrency: 1, otherServersAway: 0 }, more);
    const status = { ...view.image.object.status, canariesDoneAt: new Date(NOW_MS).toISOString() };
    const image = { ...view.image, object: { ...view.image.object, status } };
    const decided = decide({ ...view, image }, [{ machine: machine(0, "agent"), cluster: "a" }], NOW_MS);
    expect([...decided.refused.values()]).toMatchObject([{ reason: "CanariesFirst" }]);
  });

  it.each([
    ["a wrong clock has written", new Date(NOW_MS + 365 * 24 * 3_600_000).toISOString()],
    ["nobody can read", "2030-01-01T12:00:00,5Z"],
  ])("waits for no time that %s: it is now, from now on", (_, ahead) => {
    const now = new Date(NOW_MS).toISOString().replace(".000Z", "Z");
    const [holder, other] = [machine(0, "agent", { attempt: 5, phase: "Draining" }), machine(2, "agent")];
    const slots = [slotOf(holder, 5, { grantedAt: ahead })];
    const more = { canary: { selector: { matchLabels: { first: "yes" } }, soakTime: "1h" } };
    const view = viewOf({ machines: [holder, other], slots, concurrency: 2, otherServersAway: 0 }, more);
    const failures = [{ machine: "m9", uid: "u9", attempt: 4, time: ahead, reason: "x", message: "y" }];
    const status = { ...view.image.object.status, canariesDoneAt: ahead, failures };
    const withStatus = (object: object) => ({
      ...view,
      image: { ...view.image, object: { ...view.image.object, status: object } },
    });
    const decided = decide(withStatus(status), [], NOW_MS);
    expect(decided.isChanged).toBe(true);
    expect(decided.status).toMatchObject({
      slots: [{ attempt: 5, grantedAt: now }],
      failures: [{ uid: "u9", time: now }],
      canariesDoneAt: now,
    });
    const aDayLater = NOW_MS + 24 * 3_600_000;
    expect(decide(withStatus(decided.status), [], aDayLater).failed).toMatchObject([{ uid: "u0" }]);
    const asked = decide(withStatus(decided.status), [{ machine: other, cluster: "a" }], aDayLater);
    expect(asked.granted).toMatchObject([{ uid: "u2" }]);
  });

  it("lets nobody wait for a machine that was heard in a time to come, and is silent since", () => {
    const heardMs = NOW_MS + 365 * 24 * 3_600_000;
    const silent = machine(0, "agent", { attempt: 5, phase: "Draining", heardMs, plan: "cd".repeat(32) });
    const view = viewOf({ machines: [silent], slots: [], concurrency: 1, otherServersAway: 0 });
    expect(decide(view, [{ machine: silent, cluster: "a" }], NOW_MS).granted).toMatchObject([{ uid: "u0" }]);
  });

  it("decides nothing the second time", () => {
    fc.assert(
      fc.property(world, (given) => {
        const view = viewOf(given);
        const { status } = decide(view, [], NOW_MS);
        const object = { ...view.image.object, status };
        const again = decide({ ...view, image: { ...view.image, object } }, [], NOW_MS + 1_000);
        expect(again.isChanged).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a grant", () => {
  const grantTo = (upgrade: Partial<Upgrade> | undefined, status: ManagedOSImageStatus = {}) => {
    const one = machine(0, "agent", upgrade);
    const view = viewOf({ machines: [one], slots: [], concurrency: 1, otherServersAway: 0 });
    const image = { ...view.image, object: { ...view.image.object, status } };
    return decide({ ...view, image }, [{ machine: one, cluster: "a" }], NOW_MS);
  };
  const second = Math.floor(NOW_MS / 1000);

  it("is later than all that an image of this name ever gave, or the machine takes it for one of those", () => {
    expect(grantTo(undefined).granted).toMatchObject([{ attempt: second + 1 }]);
    // It has had some of this name before, of which it says nothing: its last word is about another image, or by hand.
    expect(grantTo({ attempt: 9, image: "other" }).granted).toMatchObject([{ attempt: second + 1 }]);
    expect(grantTo({ attempt: 0, image: undefined }).granted).toMatchObject([{ attempt: second + 1 }]);
    // The status was restored from a time when the image had granted less.
    expect(grantTo({ attempt: 0, image: undefined }, { attempts: 100 }).status.attempts).toBe(second + 1);
  });

  it("has a number that machines take, whatever somebody has written into the status", () => {
    for (const attempts of [2 ** 63, 2 ** 53, -5]) {
      expect(grantTo(undefined, { attempts }).granted).toMatchObject([{ attempt: second + 1 }]);
    }
  });

  it("is later than the last one, and than what the machine says, whatever the clock says", () => {
    const ahead = second + 500;
    expect(grantTo(undefined, { attempts: ahead }).granted).toMatchObject([{ attempt: ahead + 1 }]);
    expect(grantTo({ attempt: ahead }).granted).toMatchObject([{ attempt: ahead + 1 }]);
    expect(grantTo({ attempt: ahead, plan: "cd".repeat(32) }).granted).toMatchObject([{ attempt: ahead + 1 }]);
    expect(grantTo({ attempt: ahead, image: "other" }).granted).toMatchObject([{ attempt: second + 1 }]);
  });

  it("uses up no numbers for a machine that says more than there can be", () => {
    expect(grantTo({ attempt: Number.MAX_SAFE_INTEGER }).granted).toMatchObject([{ attempt: second + 1 }]);
    const most = grantTo({ attempt: 2 ** 52 }).status.attempts ?? 0;
    expect(Number.isSafeInteger(most + 2 ** 52 - 2)).toBe(true);
  });
});

describe("a machine that was granted a slot and has not begun", () => {
  const hourAgo = { grantedAt: new Date(NOW_MS - 3_600_000).toISOString() };
  const askAgain = (spec: ManagedOSImageSpec, upgrade?: Partial<Upgrade>, more: Partial<Slot> = hourAgo) => {
    const one = machine(0, "agent", upgrade);
    const slots = [slotOf(one, 5, more)];
    const view = viewOf({ machines: [one], slots, concurrency: 1, otherServersAway: 0 }, spec);
    const { status, refused, failed } = decide(view, [{ machine: one, cluster: "a" }], NOW_MS);
    return { slots: status.slots?.length, refused: refused.get("u0")?.reason, failed: failed.length };
  };
  const window = { startTime: "01:00", endTime: "02:00" };

  it("gives it back when it asks after the window, or where nobody may begin any more", () => {
    const back = { slots: 0, failed: 0 };
    expect(askAgain({ window })).toEqual({ ...back, refused: "WindowClosed" });
    expect(askAgain({ suspend: true })).toEqual({ ...back, refused: "Suspended" });
    expect(askAgain({ concurrency: 0 })).toEqual({ ...back, refused: "Paused" });
  });

  it("keeps it where it may begin still, has begun, or was granted it a moment ago", () => {
    const kept = { slots: 1, refused: undefined, failed: 0 };
    expect(askAgain({})).toEqual(kept);
    expect(askAgain({ window }, { attempt: 5, phase: "Staging" })).toEqual(kept);
    expect(askAgain({ window }, undefined, {})).toEqual(kept);
  });
});

describe("a status whose text was cut in the middle of a character", () => {
  it("is the same when it comes back from the API server, which stores no half characters", () => {
    const isChangedAgain = (days: readonly string[]): boolean => {
      const one = machine(0, "agent");
      const spec = { window: { days: [...days], startTime: "1", endTime: "2" } };
      const view = viewOf({ machines: [one], slots: [], concurrency: 1, otherServersAway: 0 }, spec);
      const written = JSON.stringify(decide(view, [], NOW_MS).status);
      // As Go reads JSON.
      const stored = written.replaceAll(/\\ud[89a-f][0-9a-f]{2}/g, "\ufffd");
      const status: unknown = JSON.parse(stored);
      const { metadata } = view.image.object;
      const read = parseManagedOSImage({ metadata, spec: {}, status });
      if (!read.ok) throw new Error(read.problems.join("; "));
      const object = { ...view.image.object, status: read.value.status ?? {} };
      return decide({ ...view, image: { ...view.image, object } }, [], NOW_MS).isChanged;
    };
    const emoji = "\u{1F600}".repeat(800);
    expect([emoji, `x${emoji}`].map((day) => isChangedAgain([day]))).toEqual([false, false]);
  });
});
