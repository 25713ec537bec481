/** A TPM that goes on with what it was asked for when all is said is handed to whoever can wait for it. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { DoctorOutside } from "../../../src/doctor/doctor-outside.ts";
import { examineThrough } from "../../../src/doctor/examine.ts";
import { createSoftwareMachine } from "../registration/software-machine.ts";
import { silentMachine } from "./silent-machine.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function outsideWith(close: () => Promise<void>): DoctorOutside {
  return { ...silentMachine(), openTpm: () => Promise.resolve({ ...createSoftwareMachine().tpm, close }) };
}

async function examine(close: () => Promise<void>): Promise<readonly Promise<void>[]> {
  const busy: Promise<void>[] = [];
  const examining = examineThrough(outsideWith(close), {
    names: ["endorsement-key"],
    target: { kind: "none", because: "" },
    ekAuthorities: undefined,
    spentMs: 0,
    onTpmBusy: (closing) => busy.push(closing),
    signal: new AbortController().signal,
  });
  for (let second = 0; second < 4; second++) await vi.advanceTimersByTimeAsync(1_000);
  const { findings } = await examining;
  expect(findings.at(-1)).toMatchObject({ check: "endorsement-key", outcome: "ok" });
  return busy;
}

it("is told with the moment at which it is empty again", async () => {
  const emptied = Promise.withResolvers<void>();
  const busy = await examine(() => emptied.promise);
  expect(busy).toHaveLength(1);
  emptied.resolve();
  await expect(busy[0]).resolves.toBeUndefined();
});

it("is nobody's concern where it ends in time", async () => {
  expect(await examine(() => Promise.resolve())).toEqual([]);
});
