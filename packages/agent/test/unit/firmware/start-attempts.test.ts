/** How often the firmware is told in vain to start the installed system. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  judgeAttempts,
  MAX_ATTEMPTS,
  parseAttempts,
  parseAttemptsText,
  writeAttempts,
  writeAttemptsText,
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

function all(...records: readonly (StartAttempts | undefined)[]): readonly StartAttempts[] {
  return records.filter((record) => record !== undefined);
}

/** @returns what was said to each, and what is kept at the end */
function told(moments: readonly StartMoment[], before?: StartAttempts) {
  let record: StartAttempts | undefined = before;
  const kinds = moments.map((moment) => {
    const judged = judgeAttempts(all(record), moment);
    record = judged.record;
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

  it("begins anew where it was started two hours after the last attempt: something else has run meanwhile", () => {
    const { record } = told([1, 2, 3, 4].map((number) => start(number)));
    const later = (record?.atMs ?? 0) + 2 * HOUR_MS;
    expect(judgeAttempts(all(record), start(5, { startedAtMs: later })).kind).toBe("spent");
    expect(judgeAttempts(all(record), start(5, { startedAtMs: later + 1, nowMs: later + 2 }))).toEqual({
      kind: "go",
      record: { attempts: 1, atMs: later + 2, partitionId: PARTITION, bootId: boot(5) },
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
    expect(judgeAttempts(all(record), other)).toMatchObject({ kind: "go", record: { attempts: 1 } });
  });

  it("knows GUIDs in any case", () => {
    const { record } = told([1, 2, 3].map((number) => start(number)));
    expect(judgeAttempts(all(record), start(4, { partitionId: PARTITION.toUpperCase() })).kind).toBe("spent");
  });
});

describe("what is kept in two places", () => {
  const kept = (attempts: number, number: number): StartAttempts => {
    return { attempts, atMs: start(number).nowMs, partitionId: PARTITION, bootId: boot(number) };
  };

  it.each([
    ["the first is larger", kept(2, 3), kept(1, 3), 3],
    ["the second is larger", kept(1, 3), kept(2, 3), 3],
    ["the first is of this start, and the second larger", kept(1, 4), kept(2, 3), 3],
    ["the second is of this start, and the first no larger", kept(1, 3), kept(2, 4), 2],
    ["the first is of another partition", { ...kept(3, 3), partitionId: boot(9) }, kept(1, 3), 2],
    ["the second is forgotten", kept(1, 3), { ...kept(3, 3), atMs: -48 * HOUR_MS }, 2],
  ])("counts as the larger where %s", (_what, one, other, attempts) => {
    for (const records of [
      [one, other],
      [other, one],
    ])
      expect(judgeAttempts(records, start(4))).toMatchObject({ kind: "go", record: { attempts, bootId: boot(4) } });
  });

  it("is spent where one of both is", () => {
    expect(judgeAttempts([kept(1, 3), kept(3, 3)], start(4)).kind).toBe("spent");
    expect(judgeAttempts([kept(4, 4), kept(1, 4)], start(4))).toEqual({ kind: "spent", record: kept(4, 4) });
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

  it("is written to a line, and read back; any other line is nothing", () => {
    const bytes = writeAttempts(RECORD) ?? Buffer.alloc(0);
    const line = writeAttemptsText(bytes);
    expect(line).toBe(`${bytes.toString("hex")}\n`);
    expect(parseAttemptsText(line)).toEqual(RECORD);
    for (const text of [
      "",
      "\n",
      line.trim(),
      line.slice(2),
      `${line}\n`,
      line.replace(/^01/, "02"),
      line.replace("e", "x"),
    ])
      expect(parseAttemptsText(text), JSON.stringify(text)).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        const read = parseAttemptsText(text);
        expect(read === undefined || text.length === 85).toBe(true);
      }),
    );
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
