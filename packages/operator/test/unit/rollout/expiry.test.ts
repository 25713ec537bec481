/** Machines that count as alive for a while, on a clock that somebody sets. */
import { expect, it } from "vitest";
import { Expiry } from "../../../src/rollout/expiry.ts";

const HOUR_MS = 3_600_000;

it("expires what is not renewed, and nothing else", () => {
  const alive = new Expiry<string>();
  alive.renew("a", 10_000);
  alive.renew("b", 10_000);
  expect(alive.expired(9_000)).toEqual([]);
  alive.renew("b", 30_000);
  expect(alive.expired(14_000)).toEqual(["a"]);
  expect([alive.has("a"), alive.has("b"), alive.size]).toEqual([false, true, 1]);
});

it("lets nothing live longer where the clock is set back by an hour", () => {
  const alive = new Expiry<string>();
  const beforeMs = 100 * HOUR_MS;
  alive.renew("dead", beforeMs + 10_000);
  alive.renew("well", beforeMs + 10_000);
  expect(alive.expired(beforeMs)).toEqual([]);
  const afterMs = beforeMs - HOUR_MS;
  expect(alive.expired(afterMs)).toEqual([]);
  alive.renew("well", afterMs + 30_000);
  expect(alive.expired(afterMs + 15_000)).toEqual(["dead"]);
  expect(alive.has("well")).toBe(true);
});
