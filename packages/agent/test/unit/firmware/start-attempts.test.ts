/** How often the firmware is told in vain to start the installed system. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  judgeAttempts,
  MAX_ATTEMPTS,
  parseAttempts,
  writeAttempts,
  type StartAttempts,
  type StartMoment,
} from "../../../src/firmware/start-attempts.ts";

const PARTITION = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
const HOUR_MS = 3_600_000;

function boot(number: number): string {
  return `00000000-0000-4000-8000-00000000000${number}`;
}

/** The live system's start of this number, each a quarter of an hour after the one before; it asks a minute later. */
function start(number: number, more: Partial<StartMoment> = {}): StartMoment {
  const startedAtMs = (number * HOUR_MS) / 4;
  return { partitionId: PARTITION, bootId: boot(number), startedAtMs, nowMs: startedAtMs + 60_000, ...more };
}

/** @returns what was said to each, and what is kept at the end */
function told(moments: readonly StartMoment[], before?: StartAttempts) {
  let record = before;
  const kinds = moments.map((moment) => {
    const judged = judgeAttempts(record, moment);
    record = judged.record ?? record;
    return judged.kind;
  });
  return { kinds, record };
}

describe("a live system that is started again and again", () => {
  it("stays after three attempts in a row, and in each start from then on", () => {
    const { kinds, record } = told([1, 2, 3, 4, 5].map((number) => start(number)));
    expect(kinds).toEqual(["go", "go", "go", "spent", "spent"]);
    expect(record).toMatchObject({ attempts: MAX_ATTEMPTS + 1, bootId: boot(5) });
  });

  it("counts one start once, whoever is killed before the restart", () => {
    expect(told([1, 1, 1, 1, 2, 2, 3, 3, 3, 4].map((number) => start(number))).kinds).toEqual([
      ...Array.from({ length: 9 }, () => "go"),
      "spent",
    ]);
  });

  it("stays for the whole of its start, also where the clock is set meanwhile", () => {
    const { record } = told([1, 2, 3, 4].map((number) => start(number)));
    const later = { startedAtMs: 900_000 * HOUR_MS, nowMs: 900_001 * HOUR_MS };
    expect(told([start(4, later)], record).kinds).toEqual(["spent"]);
  });

  it("begins anew where it was started a day after the last attempt: something else has run meanwhile", () => {
    const { record } = told([1, 2, 3, 4].map((number) => start(number)));
    const nextDay = (record?.atMs ?? 0) + 24 * HOUR_MS;
    expect(judgeAttempts(record, start(5, { startedAtMs: nextDay })).kind).toBe("spent");
    expect(judgeAttempts(record, start(5, { startedAtMs: nextDay + 1, nowMs: nextDay + 2 }))).toEqual({
      kind: "go",
      record: { attempts: 1, atMs: nextDay + 2, partitionId: PARTITION, bootId: boot(5) },
    });
  });

  it("goes on counting where the clock has gone back, as without a battery", () => {
    expect(
      told(
        [1, 2, 3, 4].map((number) => start(number, { startedAtMs: 0, nowMs: 10 })),
        undefined,
      ).kinds,
    ).toEqual(["go", "go", "go", "spent"]);
  });

  it("begins anew with another installation", () => {
    const { record } = told([1, 2, 3, 4].map((number) => start(number)));
    const other = start(5, { partitionId: "00000000-f81f-11d2-ba4b-00a0c93ec93b" });
    expect(judgeAttempts(record, other)).toMatchObject({ kind: "go", record: { attempts: 1 } });
  });

  it("knows GUIDs in any case", () => {
    const { record } = told([1, 2, 3].map((number) => start(number)));
    expect(judgeAttempts(record, start(4, { partitionId: PARTITION.toUpperCase() })).kind).toBe("spent");
  });
});

describe("what is kept of it", () => {
  const RECORD: StartAttempts = { attempts: 2, atMs: 1_795_000_000_123, partitionId: PARTITION, bootId: boot(7) };

  it("is written to bytes, and read back", () => {
    const bytes = writeAttempts(RECORD);
    // By hand: version, attempts, milliseconds, two GUIDs as UEFI has them.
    const parts = ["0102", "7b5e56eea1010000", "28732ac11ff8d211ba4b00a0c93ec93b", "00000000000000408000000000000007"];
    expect(bytes?.toString("hex")).toBe(parts.join(""));
    expect(bytes && parseAttempts(bytes)).toEqual(RECORD);
  });

  it("is none where one of its GUIDs is none", () => {
    expect(writeAttempts({ ...RECORD, bootId: "boot-1" })).toBeUndefined();
  });

  it("is read back whatever it is, and has always the same length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.nat(), fc.uuid(), fc.uuid(), (attempts, atMs, one, other) => {
        const record = { attempts, atMs, partitionId: one, bootId: other };
        const bytes = writeAttempts(record);
        expect(bytes?.length).toBe(42);
        expect(bytes && parseAttempts(bytes)).toEqual(record);
      }),
    );
  });

  it("is nothing where it is too short, too long, or of another version", () => {
    const bytes = writeAttempts(RECORD) ?? Buffer.alloc(0);
    for (let count = 0; count < bytes.length; count++) expect(parseAttempts(bytes.subarray(0, count))).toBeUndefined();
    expect(parseAttempts(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined();
    expect(parseAttempts(Buffer.concat([Buffer.from([2]), bytes.subarray(1)]))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
        const read = parseAttempts(Buffer.from(random));
        expect(read === undefined || random.length === 42).toBe(true);
      }),
    );
  });
});
