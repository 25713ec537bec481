/** A TPM that goes on with what it was asked for when all is said is handed to whoever can wait for it. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { DoctorOutside } from "../../../src/doctor/doctor-outside.ts";
import { examineThrough } from "../../../src/doctor/examine.ts";
import { openSlots } from "../../../src/slots/index.ts";
import { createSoftwareMachine } from "../registration/software-machine.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = <T>(): Promise<T> => Promise.withResolvers<T>().promise;

function outsideWith(close: () => Promise<void>): DoctorOutside {
  const { tpm } = createSoftwareMachine();
  return {
    nowMs: () => 0,
    wallMs: () => Date.UTC(2026, 10, 1),
    readTpmState: () =>
      Promise.resolve({
        maker: "slow",
        isLockedOut: false,
        failedLogins: 0,
        maxFailedLogins: 32,
        lockoutIntervalSeconds: 7200,
        isEndorsementEnabled: true,
        hasEndorsementPassword: false,
        hasOwnerPassword: false,
      }),
    openTpm: () => Promise.resolve({ ...tpm, close }),
    readSmbios: never,
    readAgentState: never,
    probeOperator: () => {
      throw new Error("nobody asks it");
    },
    checkRegistration: never,
    lookUp: never,
    dial: never,
    isClockKept: never,
    readRegistered: never,
    readFileSystems: never,
    slots: openSlots({ hostRoot: "/nowhere", stateFolder: "/nowhere", runFolder: "/nowhere" }),
    readOtherStamp: never,
    findRuntime: never,
    askRuntime: never,
    connectKubernetes: never,
    ownNodeName: never,
    readPolicies: never,
    readWatchdog: never,
    readUnits: never,
  };
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
