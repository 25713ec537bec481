import { expect, it } from "vitest";
import { TUNNEL_SOURCE } from "../../../src/registration/index.ts";
import { createVisitGate, type VisitGate, type VisitPlace } from "../../../src/http/visit-gate.ts";

const [CROWD, OTHER, THIRD] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const TOO_MANY = { code: "SESSION_TOO_MANY" };

interface Held {
  readonly place: VisitPlace;
  ended: unknown;
}

/** As a visit does: challenged at once, and gone when it is told to go. */
function visit(gate: VisitGate, from: string): Held {
  const held: Held = { place: gate.enter(from), ended: undefined };
  held.place.waits((why) => {
    held.ended = why;
    held.place.leave();
  });
  return held;
}

const visits = (gate: VisitGate, from: string, count: number) => Array.from({ length: count }, () => visit(gate, from));
const endedOf = (held: readonly Held[]) => held.flatMap(({ ended }, index) => (ended === undefined ? [] : [index]));

it("a crowd keeps out itself only: who holds most makes room, the newest visit first, until all hold the same", () => {
  const gate = createVisitGate(8);
  const crowd = visits(gate, CROWD, 8);
  expect(() => gate.enter(CROWD)).toThrow(expect.objectContaining(TOO_MANY));
  const others = visits(gate, OTHER, 4);
  expect(endedOf(crowd)).toEqual([4, 5, 6, 7]);
  expect(crowd[7]?.ended).toMatchObject(TOO_MANY);
  expect(() => gate.enter(OTHER)).toThrow(expect.objectContaining(TOO_MANY));
  expect(endedOf([...visits(gate, THIRD, 2), ...others])).toEqual([5]);
  expect(endedOf(crowd)).toEqual([3, 4, 5, 6, 7]);
  expect(gate.inside).toBe(8);
});

it("nobody makes room for who has shown neither token nor keys", () => {
  const gate = createVisitGate(8);
  const crowd = visits(gate, CROWD, 8);
  const strangers = Array.from({ length: 32 }, () => gate.enter(OTHER));
  expect(() => gate.enter(OTHER)).toThrow(expect.objectContaining(TOO_MANY));
  for (const stranger of strangers) stranger.leave();
  expect(endedOf(crowd)).toEqual([]);
  expect(gate.inside).toBe(8);
});

it("who has answered keeps the place", () => {
  const gate = createVisitGate(4);
  const crowd = visits(gate, CROWD, 4);
  for (const { place } of crowd.slice(1)) place.answered();
  expect(() => gate.enter(OTHER)).toThrow(expect.objectContaining(TOO_MANY));
  crowd[0]?.place.leave();
  expect(endedOf([...crowd, visit(gate, OTHER)])).toEqual([]);
});

it("who comes above the limit goes where in the meantime nobody holds more", () => {
  const gate = createVisitGate(4);
  const crowd = visits(gate, CROWD, 4);
  const [first, second, third] = [gate.enter(OTHER), gate.enter(OTHER), gate.enter(OTHER)];
  const ended: string[] = [];
  for (const [name, place] of Object.entries({ first, second, third })) {
    place.waits(() => {
      ended.push(name);
      place.leave();
    });
  }
  expect(ended).toEqual(["third"]);
  expect(endedOf(crowd)).toEqual([2, 3]);
  expect(gate.inside).toBe(4);
});

it("an IPv6 site is one, however many of its networks it comes from, and within it it is a matter of networks", () => {
  const gate = createVisitGate(16);
  const proxied = visits(gate, OTHER, 8);
  const site = Array.from({ length: 8 }, (_, index) => visit(gate, `2001:db8:1:${index.toString(16)}::1`));
  for (let network = 8; network < 64; network += 1) {
    const address = `2001:db8:1:${network.toString(16)}::1`;
    expect(() => gate.enter(address)).toThrow(expect.objectContaining(TOO_MANY));
  }
  expect(endedOf([...proxied, ...site])).toEqual([]);
  const neighbour = visits(gate, "2001:db8:2::1", 2);
  expect(endedOf(neighbour)).toEqual([]);
  expect(endedOf(site)).toHaveLength(2);
});

it("a network of a site that holds most of the site's makes room for another one of the site", () => {
  const gate = createVisitGate(8);
  const greedy = visits(gate, "2001:db8:1:1::1", 8);
  expect(endedOf(visits(gate, "2001:db8:1:2::1", 2))).toEqual([]);
  expect(endedOf(greedy)).toEqual([6, 7]);
});

it.each([
  ["IPv4", (index: number) => `10.1.${index >> 8}.${index % 256}`],
  ["IPv6", (index: number) => `2001:db8:${index.toString(16)}::1`],
])(
  "who comes through the tunnel keeps half, however many addresses of %s others have, and no more",
  (_kind, address) => {
    const gate = createVisitGate(16);
    const tunnelled = visits(gate, TUNNEL_SOURCE, 16);
    const ended: Held[] = [];
    for (let index = 0; index < 300; index += 1) {
      try {
        ended.push(visit(gate, address(index)));
      } catch (error) {
        expect(error).toMatchObject(TOO_MANY);
      }
    }
    expect(endedOf(tunnelled)).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
    expect(endedOf(ended)).toEqual([]);
  },
);

it("remembers nobody who has left", () => {
  const gate = createVisitGate(4);
  for (let round = 0; round < 100; round += 1) for (const { place } of visits(gate, CROWD, 4)) place.leave();
  expect(gate.inside).toBe(0);
  expect(endedOf([...visits(gate, OTHER, 4)])).toEqual([]);
});
