/** Rollouts of a few machines, one thing at a time. */
import { afterEach, describe, expect, it } from "vitest";
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { type FleetSetup, type MachineSetup } from "./fleet-setup.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

const MINUTE_MS = 60_000;
let fleet: SimulatedFleet;

function machine(name: string, more: Partial<MachineSetup> = {}): MachineSetup {
  return { name, cluster: "c", role: "agent", labels: {}, fault: "none", ...more };
}

function start(machines: readonly MachineSetup[], spec: ManagedOSImageSpec = {}, more: Partial<FleetSetup> = {}): void {
  fleet = new SimulatedFleet({
    seed: 7,
    machines,
    spec: { osImage: "registry.example.com/os:v2", targets: [{ clusterSelector: {} }], nodeTimeout: "10m", ...spec },
    replicas: 2,
    lagMs: 50,
    writeFaults: 0,
    restartEveryMs: undefined,
    ...more,
  });
}

const state = () => fleet.image.status?.state;
const order = () => fleet.begun.map((one) => one.machine);
const until = (wanted: string, minutes = 60) => fleet.time.until(() => state() === wanted, minutes * MINUTE_MS);
const condition = (type: string) => fleet.image.status?.conditions?.find((one) => one.type === type);

afterEach(() => fleet.stop());

const FIVE = ["a", "b", "c", "d", "e"].map((name) => machine(name));

describe("a rollout", () => {
  it("pauses with concurrency 0, and is never complete then", async () => {
    start(FIVE, { concurrency: 0 });
    await fleet.time.pass(5 * MINUTE_MS);
    expect(state()).toBe("Paused");
    expect(condition("Complete")?.status).toBe("False");
    expect(order()).toEqual([]);
    fleet.setSpec({ ...fleet.image.spec, concurrency: 5 });
    expect(await until("Complete")).toBe(true);
    fleet.setSpec({ ...fleet.image.spec, concurrency: 0 });
    expect(await until("Paused")).toBe(true);
    expect(condition("Complete")?.status).toBe("False");
    expect(fleet.image.status?.updated).toBe(5);
  });

  it("lets no new machine start while it is suspended, and those under way finish", async () => {
    start(FIVE);
    await fleet.time.until(() => order().length === 1, MINUTE_MS);
    fleet.setSpec({ ...fleet.image.spec, suspend: true });
    await fleet.time.pass(20 * MINUTE_MS);
    expect(fleet.image.status).toMatchObject({ state: "Suspended", updated: 1, updating: 0, pending: 4 });
  });

  it("does not run again for what is not carried out", async () => {
    start(FIVE, { concurrency: 5 });
    await until("Complete");
    fleet.setSpec({
      ...fleet.image.spec,
      drain: { force: true },
      concurrency: 1,
      window: { startTime: "1", endTime: "2" },
    });
    await fleet.time.pass(10 * MINUTE_MS);
    expect(order()).toHaveLength(5);
    expect(state()).toBe("Complete");
    fleet.setSpec({ ...fleet.image.spec, window: null, cloudConfig: { runcmd: ["true"] } });
    await fleet.time.pass(MINUTE_MS);
    expect(await until("Complete")).toBe(true);
    expect(order()).toHaveLength(10);
  });

  it("is at no moment Complete with what was counted of the plan before", async () => {
    start(FIVE, { concurrency: 5 });
    await until("Complete");
    const counted = fleet.writes.length;
    fleet.setSpec({ ...fleet.image.spec, osImage: "registry.example.com/os:v3" });
    await fleet.time.until(() => order().length === 10, 10 * MINUTE_MS);
    expect(await until("Complete")).toBe(true);
    const { plan } = fleet.image.status ?? {};
    const early = fleet.writes.slice(counted).filter(({ after }) => {
      const { state: shown, plan: shownPlan, conditions } = after.status ?? {};
      const isComplete = conditions?.some(({ type, status }) => type === "Complete" && status === "True") === true;
      return (isComplete || shown === "Complete") && shownPlan === plan;
    });
    expect(early).toHaveLength(1);
    expect(early[0]?.after.status).toMatchObject({ updated: 5, observedGeneration: 2 });
  });

  it("starts no machine outside its window, and says when it opens", async () => {
    start(FIVE, { window: { startTime: "00:10", endTime: "00:11" } });
    await fleet.time.pass(2 * MINUTE_MS);
    expect(state()).toBe("WindowClosed");
    expect(fleet.image.status?.message).toContain("the window opens at 2030-01-01T00:10:00Z");
    await fleet.time.pass(60 * MINUTE_MS);
    const started = fleet.begun.map(({ atMs }) => new Date(atMs).toISOString().slice(11, 16));
    expect(new Set(started)).toEqual(new Set(["00:10"]));
    expect(state()).toBe("WindowClosed");
    expect(fleet.image.status?.updating).toBe(0);
  });

  it("lets the canaries go first, watches them, and then the servers before the agents", async () => {
    const canary = { labels: { ring: "canary" } };
    const machines = [
      machine("s1", { role: "server" }),
      machine("a1"),
      machine("a2"),
      machine("c1", canary),
      machine("c2", canary),
    ];
    start(machines, { canary: { selector: { matchLabels: canary.labels }, soakTime: "10m" } }, { replicas: 1 });
    expect(await until("Soaking")).toBe(true);
    const soaking = fleet.time.nowMs;
    expect(order().toSorted()).toEqual(["c1", "c2"]);
    expect(await until("Complete")).toBe(true);
    expect(order()[2]).toBe("s1");
    expect(fleet.begun[2]?.atMs).toBeGreaterThanOrEqual(soaking + 9 * MINUTE_MS);
  });

  it("halts at a canary that fails, whatever the budget is", async () => {
    const canary = { labels: { ring: "canary" } };
    start([...FIVE, machine("z", { ...canary, fault: "fails" })], {
      failureBudget: "100%",
      concurrency: 3,
      canary: { selector: { matchLabels: canary.labels } },
    });
    expect(await until("Halted")).toBe(true);
    await fleet.time.pass(10 * MINUTE_MS);
    expect(order()).toEqual(["z"]);
    fleet.annotate("z", "again");
    expect(await until("Complete")).toBe(true);
  });

  it("waits where canary.selector matches no machine, and says so", async () => {
    start(FIVE, { canary: { selector: { matchLabels: { ring: "typo" } } } });
    await fleet.time.pass(10 * MINUTE_MS);
    expect(order()).toEqual([]);
    expect(fleet.image.status?.message).toContain("canary.selector matches no machine");
  });

  it("goes on below the budget, and takes back a failure that comes through late", async () => {
    start([...FIVE, machine("late", { fault: "dies-and-returns" })], { failureBudget: 1, concurrency: 6 });
    await fleet.time.until(() => fleet.image.status?.failed === 1, 30 * MINUTE_MS);
    expect(fleet.image.status?.failures).toMatchObject([{ machine: "late", reason: "ROLLOUT_NODE_TIMEOUT" }]);
    expect(await until("Complete", 120)).toBe(true);
    expect(fleet.image.status).toMatchObject({ updated: 6, failed: 0, failures: [] });
  });

  it("never waits for a machine that is offline", async () => {
    start([...FIVE, machine("off", { fault: "offline", role: "server" })]);
    await fleet.time.until(() => fleet.image.status?.updated === 5, 15 * MINUTE_MS);
    expect(fleet.image.status).toMatchObject({ updated: 5, pending: 1, state: "Progressing" });
    expect(await until("Complete")).toBe(true);
  });

  it("goes on where the image is deleted and made again with the same content, whatever machines did before", async () => {
    start([...FIVE, machine("f", { fault: "fails" })], { concurrency: 2, failureBudget: 1 });
    await fleet.time.until(() => fleet.phaseOf("f") === "Failed", 30 * MINUTE_MS);
    await fleet.time.until(
      () => [...fleet.machines.keys()].some((name) => fleet.phaseOf(name) === "Staging"),
      MINUTE_MS,
    );
    fleet.makeAnew(fleet.image.spec);
    fleet.annotate("f", "again");
    expect(await until("Complete")).toBe(true);
    expect(fleet.image.status).toMatchObject({ updated: 6, failed: 0, failures: [] });
  });

  it("takes no machine to what an image said that was made again with other content", async () => {
    start(FIVE);
    await fleet.time.until(() => FIVE.some(({ name }) => fleet.phaseOf(name) === "Staging"), 5 * MINUTE_MS);
    const old = fleet.image.status?.plan;
    fleet.makeAnew({ ...fleet.image.spec, osImage: "registry.example.com/os:v3" });
    const switched = (): boolean =>
      [...fleet.machines.values()].some(
        ({ rollout: { upgrade } }) => upgrade?.plan === old && upgrade?.phase === "Upgrading",
      );
    expect(await fleet.time.until(switched, 10 * MINUTE_MS)).toBe(false);
    expect(await until("Complete")).toBe(true);
  });

  it("tells machines of an image that is wrong in many places no more than they take", async () => {
    const matchLabels = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}\u{1F600}`, "x"]));
    start(FIVE, { canary: { selector: { matchLabels } } });
    await until("Invalid");
    const [one] = fleet.machines.values();
    if (one === undefined) throw new Error("there are machines");
    const { waiting } = await fleet.anyReplica().ask(one);
    expect(waiting?.reason).toBe("Invalid");
    expect(waiting?.message.length).toBeLessThanOrEqual(1024);
    expect(waiting?.message.isWellFormed()).toBe(true);
  });

  it("gives nobody a slot for what no machine would take, says what that is, and goes on when it is mended", async () => {
    start(FIVE, { upgradeContainer: { env: [{ name: "HTTP_PROXY=http://proxy" }] } });
    await fleet.time.pass(30 * MINUTE_MS);
    expect([order(), fleet.image.status?.slots, fleet.image.status?.failures]).toEqual([[], [], []]);
    expect(condition("Resolved")).toMatchObject({ status: "False", reason: "ROLLOUT_REFERENCE_INVALID" });
    expect(condition("Resolved")?.message).toContain("upgrade.env: holds a name or value that no process can have");
    fleet.setSpec({ ...fleet.image.spec, upgradeContainer: { env: [{ name: "HTTP_PROXY", value: "http://proxy" }] } });
    expect(await until("Complete")).toBe(true);
  });

  it("starts no machine whose answer was lost before somebody suspended it", async () => {
    start([machine("late", { fault: "offline" })]);
    await fleet.time.until(() => fleet.image.status?.plan !== undefined, MINUTE_MS);
    const [late] = fleet.machines.values();
    if (late === undefined) throw new Error("there is a machine");
    await fleet.time.pass(5_000);
    const asked = fleet.anyReplica().ask(late);
    await fleet.time.pass(10_000);
    expect((await asked).plan).toMatchObject({ attempt: fleet.image.status?.attempts });
    fleet.setSpec({ ...fleet.image.spec, suspend: true, nodeTimeout: "24h" });
    await fleet.time.pass(60 * MINUTE_MS);
    expect([order(), fleet.image.status?.slots, fleet.image.status?.failures]).toEqual([[], [], []]);
    fleet.setSpec({ ...fleet.image.spec, suspend: false });
    expect(await until("Complete")).toBe(true);
  });

  it("frees the slot of a machine that is deleted, and counts no failure", async () => {
    start(FIVE.map((one) => ({ ...one, fault: one.name === "a" ? "dies" : "none" })));
    await fleet.time.until(() => order().includes("a"), 15 * MINUTE_MS);
    await fleet.time.pass(MINUTE_MS);
    fleet.remove("a");
    expect(await until("Complete")).toBe(true);
    expect(fleet.image.status).toMatchObject({ total: 4, updated: 4, failed: 0 });
  });

  it("breaks off an old plan before the switch, and never has more machines away for it", async () => {
    start(FIVE, { concurrency: 2 });
    await fleet.time.until(() => fleet.phaseOf(order()[0] ?? "") === "Staging", MINUTE_MS);
    fleet.setSpec({ ...fleet.image.spec, osImage: "registry.example.com/os:v3" });
    expect(await until("Complete")).toBe(true);
    const [first] = fleet.begun;
    const plans = fleet.begun.filter(({ machine: name }) => name === first?.machine).map(({ plan }) => plan.osImage);
    expect(plans).toEqual(["registry.example.com/os:v2", "registry.example.com/os:v3"]);
    expect(fleet.mostDown.get("c")).toBe(2);
  });

  it("tells of every slot, failure and change of state once, however many replicas there are", async () => {
    start(
      FIVE.map((one) => ({ ...one, fault: one.name === "a" ? "rolls-back" : "none" })),
      { failureBudget: 1 },
    );
    await fleet.time.until(
      () => (fleet.image.status?.updated ?? 0) + (fleet.image.status?.failed ?? 0) === 5,
      60 * MINUTE_MS,
    );
    const reasons = fleet.news.map(({ reason }) => reason);
    expect(reasons.filter((one) => one === "SlotGranted")).toHaveLength(5);
    expect(reasons.filter((one) => one === "UpgradeFailed")).toHaveLength(1);
    expect(fleet.news.find(({ kind }) => kind === "failed")?.message).toContain("a: RolledBack");
  });

  it("writes about once for a machine, and asks the fewer times the more machines there are", async () => {
    const many = Array.from({ length: 200 }, (_, index) => machine(`m${index}`));
    start(many, { concurrency: 10 });
    expect(await until("Complete", 240)).toBe(true);
    expect(fleet.writes.length).toBeLessThan(1.6 * many.length);
  });
});
