/** Whole upgrades of a node: its cordon, its drain, and its API server. */
import { describe, expect, it } from "vitest";

import type { FaultPoint } from "../../../src/upgrade/fault-points.ts";
import { EMPTY_JOURNAL } from "../../../src/upgrade/journal.ts";
import { writeJournal } from "../../../src/upgrade/read-journal.ts";
import { statusOf } from "../../../src/upgrade/status.ts";
import { ended, upgraded } from "./ended-upgrade.ts";
import { createLife, live, type Life } from "./machine-life.ts";
import { createWorld, orderOf, type World } from "./machine-world.ts";

describe("an upgrade of a node", () => {
  it("goes on after a failed drain where the plan says force", async () => {
    const { phase } = await upgraded({ drain: "fails" }, { force: true });
    expect(phase).toBe("Succeeded");
  });

  it("is undone in the midst of the drain where the operator does not want the machine any more, and says so", async () => {
    const life = createLife(createWorld({ drain: "held" }));
    const refused = "the server refuses (MACHINE_UNKNOWN): no MachineInventory belongs to this machine";
    life.onPoint = (point) => {
      if (point !== "drain:before") return undefined;
      const plan = life.upgrades?.journal().run?.order.plan;
      const refuse = async (): Promise<void> => {
        await life.time.sleep(45_000, new AbortController().signal);
        if (plan !== undefined) life.upgrades?.loseSlot(plan.id, plan.attempt, refused);
      };
      void refuse();
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({
      phase: "Idle",
      code: "UPGRADE_SLOT_LOST",
      message: `the operator took the slot back in Draining: ${refused}`,
      journal: { cordon: "none" },
    });
    expect(life.world.node.unschedulable).toBe(false);
  });

  it("says what it has to undo and cannot, for as long as the API server is away, and then does it", async () => {
    const life = createLife(createWorld({ upgradeContainer: "fails-for-certain" }));
    const said = new Set<string | undefined>();
    life.onPoint = (point) => {
      const { upgrades, world } = life;
      if (point === "container:after" && world.events.includes("drained")) world.apiServer = "away";
      if (point !== "journal:after" || upgrades?.journal().run?.ending === undefined) return undefined;
      said.add(statusOf(upgrades.journal(), "boot-1").message);
      if (said.size > 1) world.apiServer = "answers";
      return undefined;
    };
    await live(life, orderOf());
    expect([...said][1]).toMatch(
      /^the upgrade container ended with 127.*not in order yet: the API server does not answer/s,
    );
    expect(life.world.node.unschedulable).toBe(false);
    expect(ended(life.world)).toMatchObject({ phase: "Failed", code: "UPGRADE_CONTAINER_FAILED" });
    expect(ended(life.world).message).not.toMatch(/not in order/);
  });

  it.each(["cordon:before", "cordon:after"] as const)(
    "leaves a cordon that somebody else sets while the agent is dead, killed at %s",
    async (where) => {
      const life = createLife(createWorld());
      life.onPoint = (point) => {
        if (point !== where || life.world.events.includes("foreign cordon")) return undefined;
        Object.assign(life.world, { isCordonOurs: false }).node.unschedulable = true;
        life.world.events.push("foreign cordon");
        return "kill";
      };
      await live(life, orderOf());
      expect(ended(life.world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
      expect(life.world.node.unschedulable).toBe(true);
      expect(life.world.events).not.toContain("uncordon");
    },
  );

  it("keeps a node cordoned whose new operating system does not pass a check, and says which and why", async () => {
    const { world, code, message } = await upgraded({
      checks: [{ name: "10-storage", failure: "ended with 1", output: "disk is gone\n" }],
    });
    expect({ code, message }).toEqual({
      code: "UPGRADE_CHECK_FAILED",
      message: "the check 10-storage ended with 1: disk is gone",
    });
    expect(world.node.unschedulable).toBe(true);
    // The cordon is still known as ours, and so the next upgrade takes it away.
    world.checks = [];
    await live(createLife(world), orderOf({ attempt: 2, retry: true }));
    expect(ended(world).phase).toBe("Succeeded");
    expect(world.node.unschedulable).toBe(false);
  });

  it("waits for the node of a machine that has just started, and drains it then", async () => {
    const life = createLife(createWorld({ boot: 2 }));
    void life.time.sleep(90_000, new AbortController().signal).then(() => (life.world.node.bootId = "boot-2"));
    let cordonedAs: string | undefined;
    life.onPoint = (point) => {
      if (point === "cordon:before") cordonedAs = life.world.node.bootId;
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(life.world).phase).toBe("Succeeded");
    expect(cordonedAs).toBe("boot-2");
  });

  it("never takes somebody else's cordon away", async () => {
    const { world, phase } = await upgraded({
      node: { unschedulable: true, ready: true, bootId: "boot-1", exists: true },
    });
    expect(phase).toBe("Succeeded");
    expect(world.node.unschedulable).toBe(true);
    expect(world.events).not.toContain("uncordon");
  });

  it("cordons again where somebody uncordons the node during the drain", async () => {
    const life = createLife(createWorld());
    life.onPoint = (point) => {
      if (point === "drain:before")
        void life.time.sleep(5_000, new AbortController().signal).then(() => (life.world.node.unschedulable = false));
      return undefined;
    };
    await live(life, orderOf());
    expect(life.world.events.slice(3, 7)).toEqual(["cordon", "cordon", "evicted web-0", "evicted web-1"]);
    expect(life.world.node.unschedulable).toBe(false);
  });

  describe("that an administrator has cordoned, and uncordons during the drain", () => {
    const lifeOf = (changes: Partial<World>, killAt?: FaultPoint): Life => {
      const node = { unschedulable: true, ready: true, bootId: "boot-1", exists: true };
      const life = createLife(createWorld({ node, ...changes }));
      const { world } = life;
      let hasLifted = false;
      let isKilled = false;
      const lift = (): void => {
        world.node.unschedulable = false;
        world.isCordonOurs = false;
      };
      life.onPoint = (point) => {
        if (point === "drain:before" && !hasLifted) {
          hasLifted = true;
          void life.time.sleep(5_000, new AbortController().signal).then(lift);
        }
        if (isKilled || point !== killAt || !world.events.includes("cordon")) return undefined;
        isKilled = true;
        return "kill";
      };
      return life;
    };

    it.each<[string, Partial<World>, FaultPoint | undefined, string]>([
      ["whose drain goes well", {}, undefined, "Succeeded"],
      // One pod takes longer than it takes to find the node uncordoned.
      ["whose drain fails", { drain: "fails" }, undefined, "Failed"],
      ["whose agent is killed with the second cordon", {}, "journal:before", "Succeeded"],
      ["whose agent is killed after the drain", {}, "drain:after", "Succeeded"],
      ["that an earlier upgrade had cordoned", { isCordonOurs: true }, undefined, "Succeeded"],
      ["that an earlier upgrade had cordoned, with a kill", { isCordonOurs: true }, "drain:after", "Succeeded"],
    ])("is left to pods again: one %s", async (_what, changes, killAt, phase) => {
      const life = lifeOf(changes, killAt);
      await live(life, orderOf());
      expect(ended(life.world)).toMatchObject({ phase, journal: { cordon: "none" } });
      expect(life.world.events.filter((event) => /cordon/.test(event))).toEqual(["cordon", "uncordon"]);
      expect(life.world.node.unschedulable).toBe(false);
    });
  });

  it.each<[string, string | undefined]>([
    ["was lost, as with a disk that was replaced", undefined],
    ["took the machine for one that has left its cluster", writeJournal(EMPTY_JOURNAL)],
  ])("takes its own cordon away that a journal does not know, as it %s", async (_why, disk) => {
    const node = { unschedulable: true, ready: true, bootId: "boot-1", exists: true };
    const { world, phase, journal } = await upgraded({ node, isCordonOurs: true, disk });
    expect({ phase, cordon: journal.cordon, unschedulable: world.node.unschedulable }).toEqual({
      phase: "Succeeded",
      cordon: "none",
      unschedulable: false,
    });
  });

  it("waits for an API server that is away when the drain begins, and does not drain for longer than it may", async () => {
    expect(await upgraded({ failedDrains: 3 })).toMatchObject({ phase: "Succeeded" });
    const late = await upgraded({ drain: "takes-too-long" });
    expect(late).toMatchObject({ phase: "Failed", code: "DRAIN_TIMED_OUT" });
  });

  it("writes down the newest of many words of a drain now and then, and not each of them", async () => {
    const life = createLife(createWorld({ drainWords: 1_000 }));
    const said = new Set<string | undefined>();
    life.onPoint = (point) => {
      if (point === "journal:after") said.add(life.upgrades?.journal().run?.message);
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(life.world).phase).toBe("Succeeded");
    // They come for 100 s.
    expect(life.world.reached.filter((point) => point === "journal:before").length).toBeLessThan(60);
    // What comes after all others is heard.
    expect(said).toContain("evicting pod default/web-0");
    expect(said).toContain("evicting pod default/web-1");
  });

  it.each([
    ["answers at once", true, false],
    ["is away", "unknown", true],
  ] as const)(
    "says that it waits for the operator's word only where it does: one that %s",
    async (_what, held, isSaid) => {
      const life = createLife(createWorld({ slotHeld: held }));
      const said = new Set<string | undefined>();
      life.onPoint = (point) => {
        if (point === "journal:after") said.add(life.upgrades?.journal().run?.message);
        return undefined;
      };
      const comesBack = async (): Promise<void> => {
        await life.time.sleep(120_000, new AbortController().signal);
        life.world.slotHeld = true;
      };
      void comesBack();
      await live(life, orderOf());
      expect(ended(life.world).phase).toBe("Succeeded");
      expect(said.has("waiting for the operator to confirm the slot")).toBe(isSaid);
    },
  );

  it("does not succeed where a machine that was cordoned as a node is none any more", async () => {
    const life = createLife(createWorld());
    life.onPoint = (point) => {
      if (point === "container:after" && life.world.events.includes("drained")) life.world.node.exists = false;
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({ phase: "Failed", code: "UPGRADE_NODE_NOT_READY" });
    expect(ended(life.world).journal.cordon).toBe("ours");
  });

  it("comes to its end where the node was deleted meanwhile, whose cordon went with it", async () => {
    const life = createLife(createWorld({ upgradeContainer: "fails-for-certain" }));
    life.onPoint = (point) => {
      if (point === "container:after" && life.world.events.includes("drained")) life.world.apiServer = "knows-no-node";
      return undefined;
    };
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({ phase: "Failed", journal: { cordon: "none" } });
  });

  it.each(["away", "refuses-us"] as const)(
    "waits no longer for an API server that is %s where somebody gives it up, and the next one takes the cordon away",
    async (apiServer) => {
      const world = createWorld({ upgradeContainer: "fails-for-certain" });
      const life = createLife(world);
      let refused: unknown;
      life.onPoint = (point) => {
        if (point === "container:after" && world.events.includes("drained")) world.apiServer = apiServer;
        const run = life.upgrades?.journal().run;
        if (point === "stop:before")
          // It goes its own way yet.
          void life.upgrades?.abort().catch((error: unknown) => (refused = error));
        if (point === "journal:after" && run?.ending !== undefined && run.lastError !== undefined)
          void life.upgrades?.abort().catch(() => undefined);
        return undefined;
      };
      await live(life, orderOf());
      expect(refused).toMatchObject({ code: "UPGRADE_NOT_UNDER_WAY" });
      expect(ended(world)).toMatchObject({ phase: "Failed", code: "UPGRADE_CONTAINER_FAILED" });
      expect(ended(world).journal).toMatchObject({ cordon: "ours", run: undefined });
      expect(world.node.unschedulable).toBe(true);
      world.apiServer = "answers";
      world.upgradeContainer = "suc-upgrade";
      await live(createLife(world), orderOf({ attempt: 2, retry: true }));
      expect(ended(world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
      expect(world.node.unschedulable).toBe(false);
    },
  );

  it("takes its cordon away after a rollback also where the kubeconfig comes late, as on a data disk", async () => {
    const { world, phase } = await fallenBack((uptimeMs) => uptimeMs > 180_000);
    expect(phase).toBe("RolledBack");
    expect(world.events.slice(world.events.indexOf("boot passive"))).toContain("uncordon");
    expect(world.node.unschedulable).toBe(false);
  });

  it("says meanwhile what it waits for, and believes after ten minutes that the machine has left its cluster", async () => {
    const { world, journal, life, said } = await fallenBack(() => false);
    expect(said).toContain("this machine was a node, and has no kubeconfig yet");
    expect(journal).toMatchObject({ cordon: "none", run: undefined });
    expect(world.events).not.toContain("uncordon");
    expect(life.time.uptimeMs).toBeGreaterThan(600_000);
    expect(life.time.uptimeMs).toBeLessThan(700_000);
  });
});

/** @param hasKubeconfig  whether there is one so long after the start in which the old operating system is back */
async function fallenBack(hasKubeconfig: (uptimeMs: number) => boolean) {
  const world = createWorld({ imageBoots: "falls-back" });
  const life = createLife(world);
  const said = new Set<string | undefined>();
  life.onPoint = () => {
    said.add(life.upgrades?.journal().run?.lastError?.message);
    if (world.events.includes("boot passive")) world.node.exists = hasKubeconfig(life.time.uptimeMs);
    return undefined;
  };
  await live(life, orderOf());
  return { ...ended(world), life, said };
}
