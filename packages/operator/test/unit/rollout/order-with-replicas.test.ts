/** The order of machines whose requests reach one of several replicas, as a Service spreads them. */
import { afterEach, expect, it } from "vitest";
import { type MachineSetup } from "./fleet-setup.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const MINUTE_MS = 60_000;
let fleet: SimulatedFleet;

afterEach(() => fleet.stop());

function machine(name: string, role: "server" | "agent"): MachineSetup {
  return { name, cluster: "c", role, labels: {}, fault: "none" };
}

const SERVERS = ["s0", "s1", "s2"].map((name) => machine(name, "server"));
const AGENTS = ["a0", "a1", "a2", "a3", "a4"].map((name) => machine(name, "agent"));

it.each([1, 2, 3, 4, 5, 6])(
  "is kept by three replicas, each of which a machine asks by chance (seed %i)",
  async (seed) => {
    fleet = new SimulatedFleet({
      seed,
      machines: [...SERVERS, ...AGENTS],
      spec: { osImage: "registry.example.com/os:v2", targets: [{ clusterSelector: {} }] },
      replicas: 3,
      lagMs: 50,
      writeFaults: 0,
      restartEveryMs: undefined,
    });
    expect(await fleet.time.until(() => fleet.image.status?.state === "Complete", 60 * MINUTE_MS)).toBe(true);
    const begun = fleet.begun.map((one) => one.machine);
    expect(begun.slice(0, 3).toSorted()).toEqual(["s0", "s1", "s2"]);
  },
);
