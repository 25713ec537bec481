/** A server that does not come back keeps the other servers, and those only for whom the order says that servers go first. */
import { afterEach, describe, expect, it } from "vitest";
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { type MachineSetup } from "./fleet-setup.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const MINUTE_MS = 60_000;
let fleet: SimulatedFleet;

afterEach(() => fleet.stop());

function machine(name: string, role: "server" | "agent", more: Partial<MachineSetup> = {}): MachineSetup {
  return { name, cluster: "c", role, labels: {}, fault: role === "server" ? "dies" : "none", ...more };
}

const SERVERS = ["s0", "s1", "s2"].map((name) => machine(name, "server"));
const AGENTS = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"].map((name) => machine(name, "agent"));

/** @returns which machines had begun when nothing moved any more */
async function begunWith(
  machines: readonly MachineSetup[],
  spec: ManagedOSImageSpec,
): Promise<Readonly<Record<"servers" | "agents", number>>> {
  fleet = new SimulatedFleet({
    seed: 11,
    machines,
    spec: {
      osImage: "registry.example.com/os:v2",
      targets: [{ clusterSelector: {} }],
      nodeTimeout: "10m",
      failureBudget: 3,
      concurrency: 1,
      ...spec,
    },
    replicas: 1,
    lagMs: 50,
    writeFaults: 0,
    restartEveryMs: undefined,
  });
  await fleet.time.pass(180 * MINUTE_MS);
  const begun = fleet.begun.map((one) => one.machine);
  return {
    servers: begun.filter((name) => name.startsWith("s")).length,
    agents: begun.filter((name) => name.startsWith("a")).length,
  };
}

describe("where a server does not come back", () => {
  it.each(["Any", "AgentsFirst"] as const)("all agents go on in order %s, and no other server", async (order) => {
    expect(await begunWith([...SERVERS, ...AGENTS], { order })).toEqual({ servers: 1, agents: 8 });
    expect(fleet.mostServersDown.get("c")).toBe(1);
    expect(fleet.image.status?.message).toContain("no further server starts where one has not come back: s");
  });

  it("the agents wait for the servers where those go first", async () => {
    expect(await begunWith([...SERVERS, ...AGENTS], { order: "ServersFirst" })).toEqual({ servers: 1, agents: 0 });
  });

  it("as many agents go at a time as concurrency lets, whoever waits before them", async () => {
    await begunWith([...SERVERS, ...AGENTS], { order: "Any", concurrency: 3 });
    expect(fleet.mostDown.get("c")).toBe(3);
    expect(fleet.image.status).toMatchObject({ updated: 8, failed: 1 });
  });
});
