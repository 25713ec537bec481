import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RateLimit, sourceOf, sourcePathOf } from "../../../src/registration/rate-limit.ts";

describe("RateLimit", () => {
  it("lets a minute's visits come at once, then one after the other", () => {
    const limit = new RateLimit(10);
    const waits = Array.from({ length: 4 }, () => limit.take("a", 3, 0));
    expect(waits).toEqual([0, 0, 0, 20_000]);
    expect(limit.take("b", 3, 0)).toBe(0);
    expect(limit.take("a", 3, 19_999)).toBe(1);
    expect(limit.take("a", 3, 20_000)).toBe(0);
    expect(limit.take("a", 3, 20_000)).toBe(20_000);
  });

  it("takes over a limit that was changed", () => {
    const limit = new RateLimit(10);
    expect(limit.take("a", 100, 0)).toBe(0);
    expect([limit.take("a", 1, 0), limit.take("a", 1, 0)]).toEqual([0, 60_000]);
  });

  it("never lets more come than the limit says, and always who waits as long as it was told", () => {
    const steps = fc.array(fc.nat(5_000), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), steps, (perMinute, pauses) => {
        const limit = new RateLimit(1);
        let nowMs = 0;
        let free = 0;
        for (const pause of pauses) {
          nowMs += pause;
          const waitMs = limit.take("a", perMinute, nowMs);
          if (waitMs === 0) free += 1;
          else expect(waitMs).toBeLessThanOrEqual(Math.ceil(60_000 / perMinute));
        }
        expect(free).toBeLessThanOrEqual(perMinute + (nowMs * perMinute) / 60_000 + 1e-6);
        expect(limit.take("a", perMinute, nowMs + Math.ceil(60_000 / perMinute) + 1)).toBe(0);
      }),
    );
  });

  it("remembers no more sources than it may, and forgets who was here longest ago", () => {
    const limit = new RateLimit(100);
    limit.take("first", 1, 0);
    for (let count = 0; count < 10_000; count += 1) {
      limit.take(`s${count}`, 1, 0);
      if (count % 50 === 0) limit.take("first", 1, 0);
    }
    expect(limit.size).toBe(100);
    expect(limit.take("first", 1, 0)).toBe(60_000);
    expect(limit.take("s0", 1, 0)).toBe(0);
  });

  it("keeps nothing of those who could come as often as if they never had", () => {
    const limit = new RateLimit(20_000);
    for (let count = 0; count < 10_000; count += 1) limit.take(`machine-${count}`, 120, count);
    expect(limit.size).toBeLessThanOrEqual(501);
    expect(limit.take("machine-9999", 120, 9_999)).toBe(0);
    expect(limit.take("machine-0", 120, 20_000)).toBe(0);
    expect(limit.size).toBe(1);
  });
});

describe("sourceOf", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    [undefined, ""],
  ])("takes %s for %s", (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});

describe("sourcePathOf", () => {
  it.each([
    ["192.0.2.7", ["IPv4", "192.0.2.7"]],
    ["::ffff:192.0.2.7", ["IPv4", "192.0.2.7"]],
    ["2001:db8:1:2:3:4:5:6", ["IPv6", "2001:db8:1", "2001:db8:1:2::/64"]],
    ["::1", ["IPv6", "0:0:0", "0:0:0:0::/64"]],
    ["tunnel", ["tunnel"]],
    [undefined, ["IPv4", ""]],
  ])("takes for %s %j", (address, path) => {
    expect(sourcePathOf(address)).toEqual(path);
  });
});
