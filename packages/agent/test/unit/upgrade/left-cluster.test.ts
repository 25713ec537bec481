/** Upgrades of a machine that has left its cluster with a cordon that an earlier upgrade had put there. */
import type { Plan } from "@rancheros/protocol/upgrade";
import { expect, it } from "vitest";

import { readJournal, writeJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, orderOf } from "./machine-world.ts";

const ANOTHER = { id: "f".repeat(64) };

it.each<[string, Partial<Plan>]>([
  ["without a cordon and a drain", { cordon: false, drain: undefined }],
  ["with force", { force: true }],
])("succeed %s, and forget the cordon", async (_what, plan) => {
  const world = await leftBehind();
  await live(createLife(world), orderOf({ ...ANOTHER, ...plan }));
  const { history, cordon, failedDigests } = readJournal(world.disk ?? "");
  expect(history.at(0)?.reason).toBeUndefined();
  expect({ phase: history.at(0)?.phase, cordon, failedDigests }).toEqual({
    phase: "Succeeded",
    cordon: "none",
    failedDigests: [],
  });
});

it("fail once for want of a node where the plan drains, and forget the cordon, which is nobody's any more", async () => {
  const world = await leftBehind();
  await live(createLife(world), orderOf(ANOTHER));
  const { history, cordon, failedDigests } = readJournal(world.disk ?? "");
  expect({ code: history.at(0)?.reason?.code, cordon, failedDigests }).toEqual({
    code: "UPGRADE_NO_NODE",
    cordon: "none",
    failedDigests: [],
  });
});

it("wait for the kubeconfig of a machine that has just been started before they believe that it left", async () => {
  const world = await leftBehind();
  const life = createLife(world);
  world.node = { unschedulable: true, ready: true, bootId: "boot-1", exists: false };
  world.isCordonOurs = true;
  void life.time.sleep(120_000, new AbortController().signal).then(() => (world.node.exists = true));
  await live(life, orderOf(ANOTHER));
  const { history, cordon } = readJournal(world.disk ?? "");
  expect({ phase: history.at(0)?.phase, cordon }).toEqual({ phase: "Succeeded", cordon: "none" });
  expect(world.node.unschedulable).toBe(false);
});

it("fail where the new operating system has lost what made the machine a node", async () => {
  const world = createWorld();
  const life = createLife(world);
  life.onPoint = () => {
    if (world.events.includes("switched")) world.node.exists = false;
    return undefined;
  };
  await live(life, orderOf());
  expect(readJournal(world.disk ?? "").history.at(0)?.reason?.code).toBe("UPGRADE_NODE_NOT_READY");
});

it("end at once on a machine that never was a node, whose journal was broken", async () => {
  const node = { unschedulable: false, ready: false, bootId: "", exists: false };
  const intended = { ...readJournal((await leftBehind()).disk ?? ""), history: [], cordon: "intended" as const };
  const life = createLife(createWorld({ node, disk: writeJournal(intended) }));
  let verifiesAtMs = Infinity;
  life.onPoint = () => {
    if (life.upgrades?.journal().run?.phase === "Verifying") verifiesAtMs = Math.min(verifiesAtMs, life.time.uptimeMs);
    return undefined;
  };
  await live(life, orderOf({ ...ANOTHER, cordon: false, drain: undefined }));
  const { history, cordon } = readJournal(life.world.disk ?? "");
  expect({ phase: history.at(0)?.phase, cordon }).toEqual({ phase: "Succeeded", cordon: "none" });
  expect(life.time.uptimeMs - verifiesAtMs).toBeLessThan(60_000);
});

/** As a failed verification leaves it: the cordon stays, and then the machine is taken out of its cluster. */
async function leftBehind() {
  const world = createWorld({ checks: [{ name: "own", failure: "exited with 1", output: "" }] });
  await live(createLife(world), orderOf());
  const journal = readJournal(world.disk ?? "");
  const { cordon } = journal;
  if (cordon !== "ours") throw new Error(`the scene is another one: the cordon is ${cordon}`);
  const node = { unschedulable: false, ready: false, bootId: "", exists: false };
  return createWorld({ node, isCordonOurs: false, disk: writeJournal({ ...journal, failedDigests: [] }) });
}
