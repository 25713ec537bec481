import { describe, expect, it } from "vitest";
import { operatorReadiness } from "../../src/operator-readiness.ts";

const WORDS = "Rancher's settings of the address and its CA not read yet";

function readinessOf(world: { known: boolean; nowMs: number }) {
  const watched = { synced: () => true, quietMs: () => 0 };
  return operatorReadiness({
    registrations: watched,
    inventories: watched,
    rollouts: { notReady: () => [], quietMs: () => 0 },
    sessionKeys: { ready: () => true },
    listening: () => true,
    addressKnown: () => world.known,
    staleAfterMs: 60_000,
    steadyMs: () => world.nowMs,
  });
}

describe("a replica that does not know the operator's address yet", () => {
  it("is not sent machines, and serves the sessions of those that come", () => {
    const world = { known: false, nowMs: 1_000 };
    const readiness = readinessOf(world);
    expect(readiness.notReady()).toEqual([WORDS]);
    expect(() => readiness.assertReady()).not.toThrow();
    world.known = true;
    expect(readiness.notReady()).toEqual([]);
  });

  it("is ready after 20 s all the same", () => {
    const world = { known: false, nowMs: 1_000 };
    const readiness = readinessOf(world);
    world.nowMs = 20_999;
    expect(readiness.notReady()).toEqual([WORDS]);
    world.nowMs = 21_000;
    expect(readiness.notReady()).toEqual([]);
  });

  it("stays ready when Rancher comes and its address has to be read", () => {
    const world = { known: true, nowMs: 1_000 };
    const readiness = readinessOf(world);
    expect(readiness.notReady()).toEqual([]);
    world.known = false;
    expect(readiness.notReady()).toEqual([]);
  });
});
