/** Slots of an earlier plan whose machines have not begun: they are exchanged as far as the image lets machines begin now. */
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MachineSetup } from "./fleet-setup.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const NAMES = ["a", "b", "d", "e", "f"];
const PAUSE_MS = 5_000;

/** They ask when the test wants them to: what they are answered is lost. */
function machine(name: string): MachineSetup {
  return { name, cluster: "c", role: "agent", labels: { name }, fault: "offline" };
}

let fleet: SimulatedFleet;
/** All five have been granted the first image. */
beforeEach(async () => {
  const spec = { osImage: "registry.example.com/os:v1", targets: [{ clusterSelector: {} }], concurrency: 5 };
  const quiet = { replicas: 1, lagMs: 50, writeFaults: 0, restartEveryMs: undefined };
  fleet = new SimulatedFleet({ seed: 7, machines: NAMES.map(machine), spec, ...quiet });
  await fleet.time.pass(2 * PAUSE_MS);
  for (const name of NAMES) await ask(name);
  expect(slots()).toHaveLength(5);
});
afterEach(() => fleet.stop());

async function change(spec: Partial<ManagedOSImageSpec>): Promise<void> {
  fleet.setSpec({ ...fleet.image.spec, osImage: "registry.example.com/os:v2", ...spec });
  await fleet.time.pass(4 * PAUSE_MS);
}

/** @returns the image that it is to run, or why it waits */
async function ask(name: string): Promise<string | undefined> {
  const stored = fleet.machines.get(name);
  if (stored === undefined) throw new Error(`there is no machine ${name}`);
  const answer = fleet.anyReplica().ask(stored);
  await fleet.time.pass(PAUSE_MS);
  const { plan, waiting } = await answer;
  return plan?.osImage ?? waiting?.reason;
}

async function askAll(): Promise<readonly (string | undefined)[]> {
  const answers = [];
  for (const name of NAMES) answers.push(await ask(name));
  return answers;
}

const slots = () => fleet.image.status?.slots ?? [];
const begin = (answers: readonly (string | undefined)[]) => answers.filter((one) => one?.endsWith(":v2")).length;

describe("after a change of the image", () => {
  it.each([1, 2, 5])("no more of them begin than its concurrency of %i lets, and so many do", async (concurrency) => {
    await change({ concurrency });
    const answers = await askAll();
    expect(begin(answers)).toBe(concurrency);
    expect(answers.filter((one) => one === "Queued")).toHaveLength(5 - concurrency);
    expect(slots().map(({ plan }) => plan)).toEqual(
      Array.from({ length: concurrency }, () => fleet.image.status?.plan),
    );
  });

  it("those that are no canaries give theirs back, and the canary begins", async () => {
    await change({ concurrency: 1, canary: { selector: { matchLabels: { name: "a" } } } });
    const others = NAMES.filter((name) => name !== "a");
    for (const name of others) expect(await ask(name)).toBe("CanariesFirst");
    expect(slots().map((slot) => slot.machine)).toEqual(["a"]);
    expect(await ask("a")).toBe("registry.example.com/os:v2");
  });

  it("they keep theirs while nobody may begin, and while nobody knows what with", async () => {
    await change({ concurrency: 1, suspend: true });
    expect(await askAll()).toEqual(NAMES.map(() => "Suspended"));
    expect(slots()).toHaveLength(5);
  });
});
