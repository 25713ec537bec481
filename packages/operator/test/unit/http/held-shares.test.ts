/** Which share of the places is whose, whatever others do: the same for connections and for visits. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { HeldShares } from "../../../src/http/held-shares.ts";
import { sourcePathOf, TUNNEL_SOURCE } from "../../../src/registration/index.ts";

const PLACES = 24;
const FAMILIES = 3;

const source = fc.oneof(
  fc.constant(TUNNEL_SOURCE),
  fc.nat(9).map((host) => `192.0.2.${host}`),
  fc.tuple(fc.nat(3), fc.nat(3)).map(([site, network]) => `2001:db8:${site}:${network}::1`),
);

interface Item {
  readonly path: readonly string[];
}

/** Full of whoever came, as a listener or the gate of visits has it. */
function filled(shares: HeldShares<Item>, comers: readonly string[]): void {
  let held = 0;
  for (const comer of comers) {
    const path = sourcePathOf(comer);
    const room = held < PLACES ? undefined : shares.roomFor(path, 1);
    if (held >= PLACES && room === undefined) continue;
    if (room === undefined) held += 1;
    else shares.delete(room.path, room);
    shares.add(path, { path });
  }
}

const everybody = fc.array(source, { minLength: PLACES, maxLength: 200 });

it("who insists has a part of its own family's part, and that is one of three, whoever came before", () => {
  fc.assert(
    fc.property(everybody, source, fc.constantFrom("oldest", "newest"), (before, one, givesWay) => {
      const shares = new HeldShares<Item>(givesWay);
      const insists = Array.from({ length: PLACES }, () => one);
      filled(shares, [...before, ...insists]);
      const path = sourcePathOf(one);
      const [family = ""] = path;
      const ofFamily = [...new Set(before.map(sourcePathOf).filter(([name]) => name === family))];
      const sites = new Set([...ofFamily, path].map((other) => other[1]));
      const networks = new Set([...ofFamily, path].filter((other) => other[1] === path[1]).map((other) => other[2]));
      const familys = Math.floor(PLACES / FAMILIES);
      expect(shares.heldBy([family])).toBeGreaterThanOrEqual(familys);
      const least = Math.floor(Math.floor(familys / sites.size) / networks.size);
      expect(shares.heldBy(path)).toBeGreaterThanOrEqual(least);
    }),
  );
});

it("nobody takes a place from a family that holds no more than its own would", () => {
  fc.assert(
    fc.property(everybody, source, (before, one) => {
      const shares = new HeldShares<Item>("newest");
      filled(shares, before);
      const path = sourcePathOf(one);
      const room = shares.roomFor(path, 1);
      const [mine, theirs] = [path, room?.path ?? path].map(([family = ""]) => shares.heldBy([family]));
      const isOwn = room === undefined || room.path[0] === path[0];
      expect(isOwn || (theirs ?? 0) > (mine ?? 0) + 1).toBe(true);
    }),
  );
});
