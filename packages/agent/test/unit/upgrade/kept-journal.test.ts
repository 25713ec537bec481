/** A machine that rests: months in which nothing of its journal changes, and in which somebody looks every few seconds. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";

import { keepJournal } from "../../../src/upgrade/kept-journal.ts";
import { setCordon, startRun } from "../../../src/upgrade/journal-edits.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, type Life } from "./machine-life.ts";
import { machinePorts } from "./machine-ports.ts";
import { createWorld, orderOf } from "./machine-world.ts";

const LOOKS = 50_000;
/** A tenth of what each look would leave. */
const LEFT_BYTES = LOOKS * 40;

const kept = () => keptOn(createLife(createWorld()));

function keptOn(life: Life) {
  const ports = machinePorts(life, {
    die: () => new Promise(() => undefined),
    isDead: () => false,
  });
  return keepJournal(ports, () => undefined);
}

function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return process.memoryUsage().heapUsed;
}

it("keeps nothing of who has waited for a change that did not come", async () => {
  const journal = await kept();
  const look = async (): Promise<void> => {
    const over = new AbortController();
    const changed = journal.changed(over.signal);
    over.abort();
    await changed;
  };
  for (let count = 0; count < 1_000; count++) await look();
  const before = usedBytes();
  for (let count = 0; count < LOOKS; count++) await look();
  expect(usedBytes() - before).toBeLessThan(LEFT_BYTES);
});

it("writes nothing that could not be read again after a power cut", async () => {
  const life = createLife(createWorld());
  const journal = await keptOn(life);
  await journal.save((present) => setCordon(present, "ours"));
  const { disk } = life.world;
  const unreadable = orderOf({ timeoutSeconds: 0 });
  await expect(journal.save((present, now) => startRun(present, unreadable, now))).rejects.toMatchObject({
    code: "UPGRADE_DEFECT",
    message: expect.stringContaining("order.plan.timeoutSeconds") as string,
  });
  expect(life.world.disk).toBe(disk);
  expect(journal.journal()).toMatchObject({ cordon: "ours", run: undefined });
  await journal.save((present, now) => startRun(present, orderOf(), now));
  expect(readJournal(life.world.disk ?? "").run?.order).toEqual(orderOf());
});

it("tells all who wait of a change", async () => {
  const journal = await kept();
  const { signal } = new AbortController();
  const waiting = [journal.changed(signal), journal.changed(signal)];
  await journal.save((present) => setCordon(present, "intended"));
  await Promise.all(waiting);
  expect(journal.journal().cordon).toBe("intended");
});
