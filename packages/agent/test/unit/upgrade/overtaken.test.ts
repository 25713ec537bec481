/** Power cuts between the verdict that all is well and the end of the upgrade: what comes up then is what counts. */
import { expect, it } from "vitest";

import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, NEW_RELEASE, OLD_RELEASE, orderOf, running, type World } from "./machine-world.ts";
import { ownSlots } from "./own-slots.ts";

it("are a fallback where the machine comes up in its old operating system", async () => {
  const world = await cutAfterVerdict({ upgradeContainer: "installs-live", imageBoots: "falls-back" });
  expect(running(world)).toBe(OLD_RELEASE);
  expect(ended(world)).toMatchObject({ phase: "RolledBack", reason: { code: "UPGRADE_FELL_BACK" } });
  expect(readJournal(world.disk ?? "")).toMatchObject({ cordon: "none", lastSucceededPlan: undefined });
});

it.each<[string, Partial<World>]>([
  ["an upgrade container that restarts the machine", {}],
  ["one that does not", { upgradeContainer: "installs-live" }],
  ["a slot of our own", { ours: ownSlots(OLD_RELEASE) }],
])("change nothing where the new one comes up again, after %s", async (_what, changes) => {
  const world = await cutAfterVerdict(changes);
  expect(running(world)).toBe(NEW_RELEASE);
  expect(ended(world).phase).toBe("Succeeded");
  expect(world.node.unschedulable).toBe(false);
});

it("are a failure where the node does not become Ready any more, after the phase's whole time", async () => {
  const world = await cutAfterVerdict({}, (cut) => void (cut.node.ready = false));
  expect(ended(world)).toMatchObject({ phase: "Failed", reason: { code: "UPGRADE_NODE_NOT_READY" } });
});

it("are a failure where nobody can tell what came up: it is not waited for ever", async () => {
  const world = await cutAfterVerdict({}, (cut) => void (cut.isReadable = false));
  expect(ended(world)).toMatchObject({ phase: "Failed", reason: { code: "UPGRADE_DEFECT" } });
});

/** @param change  made with the power cut */
async function cutAfterVerdict(changes: Partial<World>, change: (world: World) => void = () => undefined) {
  const world = createWorld(changes);
  const life = createLife(world);
  let cuts = 0;
  life.onPoint = (point) => {
    if (point !== "journal:after" || life.upgrades?.journal().run?.ending?.phase !== "Succeeded") return undefined;
    if (cuts++ > 0) return undefined;
    change(world);
    return "power-cut";
  };
  await live(life, orderOf());
  expect(cuts).toBeGreaterThan(0);
  return world;
}

function ended({ disk }: World) {
  const { history } = readJournal(disk ?? "");
  expect(history).toHaveLength(1);
  return { phase: history[0]?.phase, reason: history[0]?.reason };
}
