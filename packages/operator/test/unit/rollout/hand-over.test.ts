/** How long a slot lies idle between two machines, in virtual time: none of it is the machine's or the API server's. */
import { afterEach, describe, expect, it } from "vitest";
import { type MachineSetup } from "./fleet-setup.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const HOUR_MS = 3_600_000;
let fleet: SimulatedFleet;

afterEach(() => fleet.stop());

/** @returns seconds, on average, from the end of one machine to the begin of the next one in its place */
async function idleSeconds(size: number, concurrency: number, phaseMs?: readonly [number, number]): Promise<number> {
  const machines = Array.from({ length: size }, (_, number): MachineSetup => {
    return { name: `m-${number}`, cluster: "c", role: "agent", labels: {}, fault: "none" };
  });
  fleet = new SimulatedFleet({
    seed: 11,
    machines,
    spec: { osImage: "registry.example.com/os:v2", targets: [{ clusterSelector: {} }], concurrency },
    replicas: 1,
    lagMs: 50,
    writeFaults: 0,
    restartEveryMs: undefined,
    ...(phaseMs === undefined ? {} : { phaseMs }),
  });
  await fleet.time.until(() => fleet.begun.length >= concurrency, HOUR_MS);
  let idleMs = 0;
  let last = { atMs: fleet.time.nowMs, idle: 0 };
  await fleet.time.until(() => {
    idleMs += (fleet.time.nowMs - last.atMs) * last.idle;
    last = { atMs: fleet.time.nowMs, idle: concurrency - fleet.down.size };
    return fleet.begun.length === size;
  }, HOUR_MS);
  expect(fleet.begun).toHaveLength(size);
  return idleMs / (size - concurrency) / 1_000;
}

describe("a slot that comes free", () => {
  it.each([
    [40, 1],
    [200, 40],
  ])("is taken within two seconds, of %i machines, %i at a time", async (size, concurrency) => {
    expect(await idleSeconds(size, concurrency)).toBeLessThan(2);
  });

  it("is taken within three seconds also where all of them come free at once, as they were granted", async () => {
    expect(await idleSeconds(800, 200, [19_500, 20_500])).toBeLessThan(3);
  });
});
