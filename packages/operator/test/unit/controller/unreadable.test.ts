import { describe, expect, it } from "vitest";
import { conditionsWith, unreadable, unreadableSentence } from "../../../src/controller/unreadable.ts";

const metadata = { name: "os", namespace: "n", uid: "u", resourceVersion: "1", generation: 3 };
const finding = { type: "Ready", status: "False", reason: "Unreadable", message: "because" } as const;
const nowMs = Date.UTC(2030, 0, 1, 0, 0, 0, 7);
const ours = { ...finding, observedGeneration: 3, lastTransitionTime: "2030-01-01T00:00:00Z" };

describe("an object that cannot be read", () => {
  it("is known by its names, its problems and its conditions, whatever these are", () => {
    expect(unreadable({ metadata, spec: 7 }, ["x"])).toEqual({ metadata, problems: ["x"], conditions: undefined });
    const status = { conditions: [{ type: "Of tomorrow" }] };
    expect(unreadable({ metadata, status }, ["x"])).toMatchObject({ conditions: status.conditions });
  });

  it("is as good as gone when it is being deleted, or when nothing names it", () => {
    expect(unreadable({ metadata: { ...metadata, deletionTimestamp: "2030-01-01T00:00:00Z" } }, ["x"])).toBeUndefined();
    for (const bad of [undefined, null, "os", {}, { metadata: { ...metadata, uid: 7 } }]) {
      expect(unreadable(bad, ["x"])).toBeUndefined();
    }
  });

  it("is spoken of in one sentence that is no longer than there is room for", () => {
    const long = { metadata: { ...metadata, name: "n".repeat(253) }, problems: ["/spec/\u{1F600}".repeat(400)] };
    for (const room of [1_000, 1_001]) {
      const sentence = unreadableSentence("ManagedOSImage", long, room);
      expect(sentence.length).toBe(room);
      expect(sentence.isWellFormed()).toBe(true);
      expect(sentence).toMatch(
        /^this operator cannot read ManagedOSImage n\/n+: \/spec.*; change or delete it, or run/,
      );
    }
  });
});

describe("conditionsWith", () => {
  it("adds the condition, and keeps others to the letter", () => {
    const others = [{ type: "Of tomorrow", status: "Maybe", since: { epoch: 7 } }, "no condition at all"];
    expect(conditionsWith({ metadata, conditions: others }, finding, nowMs)).toEqual([...others, ours]);
    expect(conditionsWith({ metadata, conditions: undefined }, finding, nowMs)).toEqual([ours]);
  });

  it("changes the time only where the status changes", () => {
    const lastTransitionTime = "2029-01-01T00:00:00Z";
    const at = (status: string) => [{ type: "Ready", status, reason: "Other", lastTransitionTime }];
    expect(conditionsWith({ metadata, conditions: at("False") }, finding, nowMs)).toEqual([
      { ...ours, lastTransitionTime },
    ]);
    expect(conditionsWith({ metadata, conditions: at("True") }, finding, nowMs)).toEqual([ours]);
  });

  it("has nothing to write where it stands there, or where what stands there is no list", () => {
    expect(conditionsWith({ metadata, conditions: [ours] }, finding, nowMs)).toBeUndefined();
    expect(conditionsWith({ metadata, conditions: { Ready: "False" } }, finding, nowMs)).toBeUndefined();
    expect(conditionsWith({ metadata, conditions: null }, finding, nowMs)).toBeUndefined();
  });
});
