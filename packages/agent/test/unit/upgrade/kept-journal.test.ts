/** A machine that rests: months in which nothing of its journal changes, and in which somebody looks every few seconds. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";

import { keepJournal } from "../../../src/upgrade/kept-journal.ts";
import { setCordon } from "../../../src/upgrade/journal-edits.ts";
import { createLife } from "./machine-life.ts";
import { machinePorts } from "./machine-ports.ts";
import { createWorld } from "./machine-world.ts";

const LOOKS = 50_000;
/** A tenth of what each look would leave. */
const LEFT_BYTES = LOOKS * 40;

function kept() {
  const ports = machinePorts(createLife(createWorld()), {
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

it("tells all who wait of a change", async () => {
  const journal = await kept();
  const { signal } = new AbortController();
  const waiting = [journal.changed(signal), journal.changed(signal)];
  await journal.save((present) => setCordon(present, "intended"));
  await Promise.all(waiting);
  expect(journal.journal().cordon).toBe("intended");
});
