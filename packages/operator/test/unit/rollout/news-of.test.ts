/** What is told of a rollout: what somebody has to do something about is a warning, and is told once for each spec. */
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { newsOf } from "../../../src/rollout/news-of.ts";

const metadata = { name: "os", namespace: "fleet-local", uid: "i", resourceVersion: "1" };
const NOTHING = { isChanged: true, granted: [], failed: [], refused: new Map(), wakeAtMs: undefined } as const;

type Resolved = readonly [status: "True" | "False" | "Unknown", reason: string, generation: number];

function statusOf(state: "Resolving" | "Progressing", [status, reason, observedGeneration]: Resolved) {
  const condition = { type: "Resolved", status, reason, message: reason, observedGeneration };
  return { state, message: reason, conditions: [condition] } satisfies ManagedOSImageStatus;
}

function told(before: ManagedOSImageStatus | undefined, status: ManagedOSImageStatus) {
  const object: ManagedOSImage = { metadata, spec: {}, ...(before === undefined ? {} : { status: before }) };
  const news = newsOf(object, { ...NOTHING, status });
  return news.map(({ kind, reason, message, isTrouble }) => [kind, reason, message, isTrouble]);
}

const asking = statusOf("Resolving", ["Unknown", "Resolving", 1]);
const missing = statusOf("Resolving", ["False", "REGISTRY_NOT_FOUND", 1]);

describe("an image that cannot be had", () => {
  it("is no warning while its registry is being asked", () => {
    expect(told(undefined, asking)).toEqual([["state", "Resolving", "Resolving", false]]);
  });

  it("is a warning as soon as the registry has answered so, and once", () => {
    expect(told(asking, missing)).toEqual([["missing", "REGISTRY_NOT_FOUND", "REGISTRY_NOT_FOUND", true]]);
    expect(told(undefined, missing)).toEqual([["state", "Resolving", "REGISTRY_NOT_FOUND", true]]);
    expect(told(missing, missing)).toEqual([]);
  });

  it("is one again for another reason, and for another spec", () => {
    const away = statusOf("Resolving", ["False", "REGISTRY_UNREACHABLE", 1]);
    expect(told(missing, away)).toEqual([["missing", "REGISTRY_UNREACHABLE", "REGISTRY_UNREACHABLE", true]]);
    const next = statusOf("Resolving", ["False", "REGISTRY_NOT_FOUND", 2]);
    expect(told(missing, next)).toEqual([["missing", "REGISTRY_NOT_FOUND", "REGISTRY_NOT_FOUND", true]]);
  });

  it("is told in its own words where the state is another trouble", () => {
    const stuck = (conditions: NonNullable<ManagedOSImageStatus["conditions"]>) =>
      ({ state: "Halted", message: "3 machines failed", conditions }) satisfies ManagedOSImageStatus;
    const halted = stuck([]);
    const away = {
      type: "Resolved",
      status: "False",
      reason: "ROLLOUT_REFERENCE_MISSING",
      message: "no Secret x",
    } as const;
    expect(told(halted, stuck([away]))).toEqual([["missing", "ROLLOUT_REFERENCE_MISSING", "no Secret x", true]]);
  });

  it("is none any more when it is there", () => {
    const there = statusOf("Progressing", ["True", "Resolved", 1]);
    expect(told(missing, there)).toEqual([["state", "Progressing", "Resolved", false]]);
  });
});
