/** Whole upgrades on a machine of which everything but the upgrade itself is played. */
import { describe, expect, it } from "vitest";

import { ended, upgraded } from "./ended-upgrade.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, NEW_RELEASE, OLD_RELEASE, orderOf, type World } from "./machine-world.ts";
import type { Plan } from "@rancheros/protocol/upgrade";

describe("an upgrade", () => {
  it("pulls, prepares, drains, switches, restarts, and gives the node back", async () => {
    const { world, phase, journal } = await upgraded();
    expect(phase).toBe("Succeeded");
    expect(world.events).toEqual([
      "pulled",
      "started ros-agent-prepare",
      "ros-agent-prepare 0",
      "cordon",
      "evicted web-0",
      "evicted web-1",
      "drained",
      "started ros-agent-upgrade",
      "switched",
      "ros-agent-upgrade 1",
      "boot active",
      "started ros-agent-upgrade",
      "ros-agent-upgrade 0",
      "uncordon",
      "image removed",
    ]);
    expect(world.slots).toEqual({ active: NEW_RELEASE, passive: OLD_RELEASE, runs: "active" });
    expect(journal).toMatchObject({ cordon: "none", failedDigests: [] });
  });

  it("leaves nothing of its plan in the journal, whose secrets are nobody's business afterwards", async () => {
    const { world } = await upgraded(
      {},
      {
        cloudConfig: "password: hunter2",
        credentials: [{ registry: "example.com", username: "u", password: "hunter3" }],
      },
    );
    expect(world.disk).toContain("default-os-image");
    expect(world.disk).not.toMatch(/hunter/);
  });

  it("does nothing to a machine that runs the image already", async () => {
    const { world, phase, message } = await upgraded({
      slots: { active: NEW_RELEASE, passive: OLD_RELEASE, runs: "active" },
    });
    expect({ phase, events: world.events }).toEqual({ phase: "Succeeded", events: ["pulled", "image removed"] });
    expect(message).toMatch(/runs already/);
  });

  it("delivers a cloud config alone to a machine that runs the image already", async () => {
    const slots = { active: NEW_RELEASE, passive: OLD_RELEASE, runs: "active" } as const;
    const { world, phase } = await upgraded({ slots }, { cloudConfig: "hostname: m1" });
    expect(phase).toBe("Succeeded");
    expect(world.cloudConfig).toBe("hostname: m1");
    expect(world.events).toContain("boot active");
  });

  it("neither cordons nor drains where the plan does not say so, nor prepares", async () => {
    const { world, phase } = await upgraded({}, { cordon: false, drain: undefined, prepare: undefined });
    expect(phase).toBe("Succeeded");
    expect(world.events).not.toEqual(expect.arrayContaining(["cordon"]));
    expect(world.events).not.toEqual(expect.arrayContaining(["drained"]));
  });

  it("takes an upgrade container at its word that needs no restart", async () => {
    const { world, phase } = await upgraded({ upgradeContainer: "installs-live" });
    expect(phase).toBe("Succeeded");
    expect(world.boot).toBe(1);
  });

  it("falls back once, remembers the digest, and does not try it again by itself", async () => {
    const { world, phase, code, journal } = await upgraded({ imageBoots: "falls-back" });
    expect({ phase, code }).toEqual({ phase: "RolledBack", code: "UPGRADE_FELL_BACK" });
    expect(world.events.filter((event) => event === "switched")).toHaveLength(1);
    expect(world.node.unschedulable).toBe(false);
    expect(journal.failedDigests).toHaveLength(1);
    const life = createLife(world);
    await live(life, orderOf({ id: "f".repeat(64) }));
    expect(ended(world)).toMatchObject({ phase: "Failed", code: "UPGRADE_FAILED_BEFORE" });
    expect(world.events.filter((event) => event === "switched")).toHaveLength(1);
  });

  it.each([
    ["a retry", { attempt: 2, retry: true }],
    ["force", { id: "f".repeat(64), force: true }],
  ])("tries a digest that has failed again after %s", async (_what, plan) => {
    const { world } = await upgraded({ imageBoots: "falls-back" });
    world.imageBoots = "well";
    await live(createLife(world), orderOf(plan));
    expect(ended(world)).toMatchObject({ phase: "Succeeded" });
    expect(ended(world).journal.failedDigests).toEqual([]);
  });

  it.each<[string, Partial<World>, Partial<Plan>, string]>([
    ["an image that cannot be pulled", { pull: "refused" }, {}, "TEST_REFUSED"],
    ["a registry that stays away", { pull: "away" }, {}, "UPGRADE_TIMED_OUT"],
    ["a time that is over in the moment of a failure", { pull: "away-for-a-day" }, {}, "UPGRADE_TIMED_OUT"],
    [
      "a registry that is busy, and wants to be asked again at once",
      { pull: "wants-no-waiting" },
      {},
      "UPGRADE_TIMED_OUT",
    ],
    ["another image than was asked for", { pull: "another" }, {}, "UPGRADE_IMAGE_MISMATCH"],
    ["a full disk", { pull: "no-room" }, {}, "CONTAINER_DISK_FULL"],
    ["a prepare container that fails", { prepareContainer: "fails" }, {}, "UPGRADE_PREPARE_FAILED"],
    ["a failed drain", { drain: "fails" }, {}, "TEST_REFUSED"],
    [
      "a machine that is no node",
      { node: { unschedulable: false, ready: true, bootId: "boot-1", exists: false } },
      {},
      "UPGRADE_NO_NODE",
    ],
    [
      "a kubeconfig of another machine's node",
      { node: { unschedulable: false, ready: true, bootId: "boot-elsewhere", exists: true } },
      {},
      "UPGRADE_OTHER_NODE",
    ],
    ["a slot that is lost", { slotHeld: false }, {}, "UPGRADE_SLOT_LOST"],
    ["an operator that stays away", { slotHeld: "unknown" }, {}, "UPGRADE_TIMED_OUT"],
    [
      "an older image",
      { slots: { active: "IMAGE=example.com/os:v1.2.0\n", passive: OLD_RELEASE, runs: "active" } },
      {},
      "UPGRADE_DOWNGRADE",
    ],
  ])("ends before the switch on %s, and leaves the node as it was", async (_what, changes, plan, expected) => {
    const { world, code, journal } = await upgraded(changes, plan);
    expect(code).toBe(expected);
    expect(world.events).not.toContain("started ros-agent-upgrade");
    expect(world.node.unschedulable).toBe(false);
    expect(journal).toMatchObject({ cordon: "none", failedDigests: [] });
  });

  it.each(["fails", "hangs"] as const)(
    "gives the node back after an upgrade container that %s",
    async (upgradeContainer) => {
      const { world, phase, code, journal } = await upgraded({ upgradeContainer });
      expect(phase).toBe("Failed");
      expect(code).toBe(upgradeContainer === "fails" ? "UPGRADE_CONTAINER_FAILED" : "UPGRADE_CONTAINER_HANGS");
      expect(world.node.unschedulable).toBe(false);
      expect(journal.failedDigests).toHaveLength(1);
    },
  );

  it("waits for a restart after a failure only where one may follow, and no longer than it takes to be seen", async () => {
    const seconds = async (changes: Partial<World>): Promise<number> => {
      const { journal, code } = await upgraded(changes);
      expect(code).toBe("UPGRADE_CONTAINER_FAILED");
      const [last] = journal.history;
      return Math.round(((last?.endedMs ?? 0) - (last?.startedMs ?? 0)) / 1000);
    };
    const certain = await seconds({ upgradeContainer: "fails-for-certain", hasLogind: false });
    expect((await seconds({ upgradeContainer: "fails" })) - certain).toBe(8);
    expect((await seconds({ upgradeContainer: "fails", hasLogind: false })) - certain).toBe(58);
  });

  it("gives up on a full disk after a minute, and goes on where there is room by then", async () => {
    const { journal } = await upgraded({ pull: "no-room" });
    const [last] = journal.history;
    expect(last).toMatchObject({ phase: "Failed", reason: { code: "CONTAINER_DISK_FULL" } });
    expect((last?.endedMs ?? 0) - (last?.startedMs ?? 0)).toBeLessThan(60_000);
    const life = createLife(createWorld({ pull: "no-room" }));
    void life.time.sleep(15_000, new AbortController().signal).then(() => (life.world.pull = "works"));
    await live(life, orderOf());
    expect(ended(life.world).phase).toBe("Succeeded");
  });

  it("is broken off by hand before the switch, and not after it", async () => {
    const world = createWorld();
    const life = createLife(world);
    let refused: unknown;
    life.onPoint = (point) => {
      if (point === "drain:before") void life.upgrades?.abort();
      if (point === "container:before" && world.events.includes("drained"))
        life.upgrades?.abort().catch((error: unknown) => (refused = error));
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(world)).toMatchObject({ phase: "Idle", code: "UPGRADE_ABORTED" });
    expect(world.node.unschedulable).toBe(false);
    await live(life, orderOf({ attempt: 2, drain: undefined }));
    expect(refused).toBeUndefined();
    life.onPoint = (point) => {
      if (point === "container:before" && world.events.at(-1) === "cordon")
        life.upgrades?.abort().catch((error: unknown) => (refused = error));
      return undefined;
    };
    world.slots = { active: OLD_RELEASE, passive: OLD_RELEASE, runs: "active" };
    await live(life, orderOf({ attempt: 3, drain: undefined, prepare: undefined }));
    expect(refused).toMatchObject({ code: "UPGRADE_TOO_LATE" });
    expect(ended(world).phase).toBe("Succeeded");
  });

  it("keeps a plan's time also where it is longer than a timer can wait", async () => {
    expect(await upgraded({}, { timeoutSeconds: 30 * 86_400 })).toMatchObject({ phase: "Succeeded" });
    expect(await upgraded({ slotHeld: "unknown" }, { timeoutSeconds: 600 })).toMatchObject({
      code: "UPGRADE_TIMED_OUT",
    });
  });

  it.each(["missing", "name-taken"] as const)("comes to its end where the runtime is %s by then", async (runtime) => {
    const life = createLife(createWorld());
    life.onPoint = (point) => {
      if (point === "container:before" && life.world.events.includes("drained")) life.world.runtime = runtime;
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({
      phase: "Failed",
      code: runtime === "missing" ? "CONTAINER_RUNTIME_MISSING" : "CONTAINER_NAME_TAKEN",
    });
  });
});
