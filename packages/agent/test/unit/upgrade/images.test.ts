/** What becomes of the images that upgrades bring: each is some GB that nobody else would remove. */
import { describe, expect, it } from "vitest";

import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live, type Life } from "./machine-life.ts";
import { createWorld, orderOf, REFERENCE, type World } from "./machine-world.ts";

const OTHER = `example.com/os@sha256:${"d".repeat(64)}`;
const PREPARE = `example.com/prepare@sha256:${"c".repeat(64)}`;
const container = { command: undefined, args: undefined, env: {}, volumes: [], securityContext: undefined };
const withPrepare = { prepare: { ...container, image: PREPARE } };

function remembered({ disk }: World): readonly string[] {
  return readJournal(disk ?? "").images.map(({ reference }) => reference);
}

async function upgraded(changes: Partial<World>, plan: Parameters<typeof orderOf>[0] = withPrepare): Promise<Life> {
  const life = createLife(createWorld(changes));
  await live(life, orderOf(plan));
  return life;
}

/** A start of the agent when nothing is under way. */
async function startAgain({ upgrades, time, world }: Life): Promise<void> {
  const over = new AbortController();
  const before = world.images.size;
  const work = upgrades?.work(over.signal);
  const look = async (): Promise<void> => {
    for (let looks = 0; looks < 10 && world.images.size === before; looks++) await time.sleep(1_000, over.signal);
  };
  await time.until(look());
  over.abort();
  await work;
}

describe("the images of an upgrade", () => {
  const endings: readonly (readonly [ending: string, code: string | undefined, world: Partial<World>])[] = [
    ["that went well", undefined, {}],
    ["that fell back", "UPGRADE_FELL_BACK", { imageBoots: "falls-back" }],
    ["whose prepare container failed", "UPGRADE_PREPARE_FAILED", { prepareContainer: "fails" }],
    ["whose upgrade container failed", "UPGRADE_CONTAINER_FAILED", { upgradeContainer: "fails" }],
    ["whose image could not be pulled", "TEST_REFUSED", { pull: "refused" }],
  ];
  it.each(endings)("are gone after one %s", async (_ending, code, world) => {
    const { world: after } = await upgraded(world);
    const journal = readJournal(after.disk ?? "");
    expect([...after.images]).toEqual([]);
    expect({ code: journal.history[0]?.reason?.code, images: journal.images }).toEqual({ code, images: [] });
  });

  it("are gone after one that was broken off by hand", async () => {
    const life = createLife(createWorld());
    life.onPoint = (point) => {
      if (point === "drain:before") void life.upgrades?.abort().catch(() => undefined);
      return undefined;
    };
    await live(life, orderOf());
    expect(readJournal(life.world.disk ?? "").history[0]?.reason?.code).toBe("UPGRADE_ABORTED");
    expect([...life.world.images]).toEqual([]);
  });

  it("stay where the slot was lost, until another upgrade begins: never those of more than one", async () => {
    const life = await upgraded({ slotHeld: false });
    const { world } = life;
    expect([...world.images.keys()].toSorted()).toEqual([REFERENCE, PREPARE].toSorted());
    await startAgain(life);
    expect(world.images.size).toBe(2);
    await live(life, orderOf({ id: "e".repeat(64), reference: OTHER, upgrade: { ...container, image: OTHER } }));
    expect([...world.images.keys()].toSorted()).toEqual([OTHER, REFERENCE].toSorted());
    expect(remembered(world).toSorted()).toEqual([...world.images.keys()].toSorted());
    world.slotHeld = true;
    await live(life, orderOf({ attempt: 2 }));
    expect([...world.images]).toEqual([]);
  });

  it.each(["well", "falls-back"] as const)(
    "are gone from the runtime that has them, which starts late where the new system boots %s",
    async (imageBoots) => {
      const { world } = await upgraded({ imageBoots, runtimeStartMs: 120_000 });
      const phase = imageBoots === "well" ? "Succeeded" : "RolledBack";
      expect(readJournal(world.disk ?? "").history[0]).toMatchObject({ phase });
      expect([...world.images]).toEqual([]);
    },
  );

  it.each([
    ["before the prepare container", 1],
    ["between the restart and the last run", 2],
  ])("are pulled again at once where the node has cleared them away %s", async (_when, boot) => {
    const life = createLife(createWorld());
    let hasCleared = false;
    life.onPoint = (point) => {
      const isNow = point === "container:before" && life.world.boot === boot && !hasCleared;
      if (isNow) life.world.images.clear();
      hasCleared ||= isNow;
      return undefined;
    };
    await live(life, orderOf());
    expect(readJournal(life.world.disk ?? "").history[0]).toMatchObject({ phase: "Succeeded" });
    expect(life.time.uptimeMs).toBeLessThan(120_000);
    expect([...life.world.images]).toEqual([]);
  });

  it("that others have brought stay", async () => {
    const { world } = await upgraded({ images: new Map([[REFERENCE, "foreign"]]) });
    expect([...world.images]).toEqual([[REFERENCE, "foreign"]]);
  });

  it("that cannot be removed are no failure, and are swept away at the next start", async () => {
    const life = await upgraded({ removal: "fails" });
    const { world } = life;
    expect(readJournal(world.disk ?? "").history[0]).toMatchObject({ phase: "Succeeded", reason: undefined });
    expect([world.images.size, remembered(world)]).toEqual([2, []]);
    world.removal = "works";
    world.images.set(OTHER, "foreign");
    await startAgain(life);
    expect([...world.images]).toEqual([[OTHER, "foreign"]]);
  });

  it("are known from a journal that an earlier version wrote: none", () => {
    const journal = { version: 1, cordon: "none", history: [], failedDigests: [] };
    expect(readJournal(JSON.stringify(journal)).images).toEqual([]);
  });
});
