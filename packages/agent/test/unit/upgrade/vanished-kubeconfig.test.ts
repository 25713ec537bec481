/** A kubeconfig that goes away on a machine that has been up for long, or goes bad: for a moment, as k3s writes it anew, or for good. */
import { expect, it } from "vitest";

import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { statusOf } from "../../../src/upgrade/status.ts";
import { createLife, live, type Life } from "./machine-life.ts";
import { createWorld, orderOf, type BadKubeconfig, type World } from "./machine-world.ts";

const HOUR_MS = 3_600_000;
const BAD = [
  "KUBECONFIG_CERTIFICATE_EXPIRED",
  "KUBECONFIG_INVALID",
  "KUBECONFIG_OTHER_NODE",
  "KUBECONFIG_PLUGIN",
  "KUBECONFIG_UNREADABLE",
] as const;
const NEVER = new AbortController().signal;

/** @returns a life on a machine that started an hour ago */
function lateLife(world: World): Life {
  const life = createLife(world);
  life.time.uptimeMs = HOUR_MS;
  return life;
}

/** Does it when that point is reached first. */
function atFirst(life: Life, point: string, work: () => void): void {
  let isDone = false;
  life.onPoint = (reached) => {
    if (reached !== point || isDone) return undefined;
    isDone = true;
    work();
    return undefined;
  };
}

function cameTo({ disk, node, events }: World) {
  const { history, cordon } = readJournal(disk ?? "");
  const { phase, reason } = history[0] ?? {};
  return { phase, code: reason?.code, cordon, isCordoned: node.unschedulable, isSwitched: events.includes("switched") };
}

it.each<[string, (world: World, isThere: boolean) => void]>([
  ["is missing", (world, isThere) => void (world.node.exists = isThere)],
  ["is half written", (world, isThere) => void (world.apiServer = isThere ? "answers" : "KUBECONFIG_INVALID")],
  [
    "is out of date",
    (world, isThere) => void (world.apiServer = isThere ? "answers" : "KUBECONFIG_CERTIFICATE_EXPIRED"),
  ],
])("is waited for for a moment before the drain where it %s, and then the node is drained", async (_what, set) => {
  const world = createWorld();
  const life = lateLife(world);
  set(world, false);
  void life.time.sleep(40_000, NEVER).then(() => set(world, true));
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Succeeded", cordon: "none", isCordoned: false });
  expect(world.events.indexOf("drained")).toBeGreaterThan(-1);
  expect(world.events.indexOf("drained")).toBeLessThan(world.events.indexOf("switched"));
});

it("is waited for, however long, where its certificate is not valid yet: a node whose clock is set late says so, and drains then", async () => {
  const world = createWorld({ apiServer: "KUBECONFIG_CERTIFICATE_EARLY" });
  const life = lateLife(world);
  void life.time.sleep(30 * 60_000, NEVER).then(() => (world.apiServer = "answers"));
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Succeeded", cordon: "none", isCordoned: false });
  expect(world.events.indexOf("drained")).toBeGreaterThan(-1);
  expect(world.events.indexOf("drained")).toBeLessThan(world.events.indexOf("switched"));
});

it("ends an upgrade with its own time where its certificate is never valid, and changes nothing", async () => {
  const world = createWorld({ apiServer: "KUBECONFIG_CERTIFICATE_EARLY" });
  const life = lateLife(world);
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Failed", isSwitched: false, cordon: "none" });
  expect(life.time.uptimeMs - HOUR_MS).toBeGreaterThan(30 * 60_000);
  expect(life.time.uptimeMs - HOUR_MS).toBeLessThan(3 * HOUR_MS);
});

it("ends an upgrade that drains where it does not come back, and changes nothing", async () => {
  const world = createWorld();
  const life = lateLife(world);
  world.node.exists = false;
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Failed", code: "UPGRADE_NO_NODE", isSwitched: false });
  expect(life.time.uptimeMs - HOUR_MS).toBeLessThan(5 * 60_000);
});

it.each<BadKubeconfig>(BAD)(
  "ends an upgrade that drains where it stays one that nobody can use, and says why: %s",
  async (code) => {
    const world = createWorld({ apiServer: code });
    const life = lateLife(world);
    await live(life, orderOf());
    expect(cameTo(world)).toMatchObject({ phase: "Failed", code, isSwitched: false });
    expect(life.time.uptimeMs - HOUR_MS).toBeLessThan(5 * 60_000);
  },
);

it("is waited for longer in a drain that has begun, and no agent that is started meanwhile forgets the cordon", async () => {
  const world = createWorld();
  const life = lateLife(world);
  life.onPoint = (point, count) => {
    if (point !== "cordon:after" || count > 100) return undefined;
    world.node.exists = false;
    void new Promise(setImmediate)
      .then(() => life.time.sleep(5 * 60_000, NEVER))
      .then(() => (world.node.exists = true));
    life.onPoint = () => undefined;
    return "kill";
  };
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Succeeded", cordon: "none", isCordoned: false });
  expect(world.events).toContain("drained");
});

it("is waited for where the agent's own cordon is to be taken away", async () => {
  const world = createWorld({ drain: "fails" });
  const life = lateLife(world);
  atFirst(life, "drain:before", () => {
    void life.time.sleep(12_000, NEVER).then(() => (world.node.exists = false));
    void life.time.sleep(5 * 60_000, NEVER).then(() => (world.node.exists = true));
  });
  await live(life, orderOf());
  expect(cameTo(world)).toEqual({
    phase: "Failed",
    code: "TEST_REFUSED",
    cordon: "none",
    isCordoned: false,
    isSwitched: false,
  });
});

it.each<BadKubeconfig>(BAD)(
  "is asked less and less often where it goes bad before the agent's cordon is taken away, and the status says why and what ends that: %s",
  async (code) => {
    const world = createWorld({ drain: "fails" });
    const life = lateLife(world);
    const said = new Set<string | undefined>();
    const asked = new Set<number>();
    const goBad = () =>
      Object.defineProperty(world, "apiServer", {
        get() {
          asked.add(life.time.uptimeMs);
          return life.time.uptimeMs < 3 * HOUR_MS ? code : "answers";
        },
      });
    life.onPoint = (point) => {
      if (point === "drain:before") void life.time.sleep(12_000, NEVER).then(goBad);
      const { upgrades } = life;
      const journal = upgrades?.journal();
      if (journal?.run?.ending !== undefined)
        said.add(statusOf(journal, "boot-1", { trouble: upgrades?.trouble() }).message);
      return undefined;
    };
    await live(life, orderOf());
    expect(cameTo(world)).toMatchObject({ phase: "Failed", code: "TEST_REFUSED", cordon: "none", isCordoned: false });
    expect(asked.size).toBeGreaterThan(100);
    expect(asked.size).toBeLessThan(200);
    const why = `what it leaves behind is not in order yet: the kubeconfig cannot be used (${code})`;
    const what = "it is tried again until that is mended, or ros-agent abort on the machine ends the waiting";
    expect([...said]).toEqual(["a pod cannot be evicted", `a pod cannot be evicted; ${why}; ${what}`]);
  },
);

it("keeps no upgrade from its end where it does not come back with the cordon", async () => {
  const world = createWorld({ drain: "fails" });
  const life = lateLife(world);
  atFirst(life, "drain:before", () => {
    void life.time.sleep(12_000, NEVER).then(() => (world.node.exists = false));
  });
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Failed", code: "TEST_REFUSED", cordon: "none" });
  expect(life.time.uptimeMs - HOUR_MS).toBeLessThan(15 * 60_000);
});

it("is no success where the new operating system has none, also where somebody else had cordoned the node", async () => {
  const node = { unschedulable: true, ready: true, bootId: "boot-1", exists: true };
  const world = createWorld({ node });
  const life = lateLife(world);
  life.onPoint = () => {
    if (world.events.includes("switched")) world.node.exists = false;
    return undefined;
  };
  await live(life, orderOf());
  expect(cameTo(world)).toMatchObject({ phase: "Failed", code: "UPGRADE_NODE_NOT_READY" });
});
