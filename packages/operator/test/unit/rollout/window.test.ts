import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileWindow, windowAt } from "../../../src/rollout/window.ts";

type Spec = Parameters<typeof compileWindow>[0];

function at(spec: Spec, time: string) {
  const problems: string[] = [];
  const window = compileWindow(spec, problems);
  if (window === undefined) throw new Error(problems.join("; "));
  const { isOpen, changesAtMs } = windowAt(window, Date.parse(time));
  const changes = changesAtMs === undefined ? "never" : new Date(changesAtMs).toISOString().replace(":00.000Z", "Z");
  return `${isOpen ? "open" : "closed"} until ${changes}`;
}

function problemsOf(spec: Spec): readonly string[] {
  const problems: string[] = [];
  compileWindow(spec, problems);
  return problems;
}

const night = { startTime: "22:00", endTime: "04:00" };
const berlin = { ...night, timeZone: "Europe/Berlin" };

describe("the window", () => {
  it.each<[string, Spec, string, string]>([
    [
      "opens at its start",
      { startTime: "8", endTime: "17:30" },
      "2030-01-02T08:00:00Z",
      "open until 2030-01-02T17:30Z",
    ],
    [
      "is closed at its end",
      { startTime: "8", endTime: "17:30" },
      "2030-01-02T17:30:00Z",
      "closed until 2030-01-03T08:00Z",
    ],
    ["goes on past midnight", night, "2030-01-02T03:59:00Z", "open until 2030-01-02T04:00Z"],
    [
      "belongs to the day on which it opens",
      { ...night, days: ["tue"] },
      "2030-01-02T03:00:00Z",
      "open until 2030-01-02T04:00Z",
    ],
    [
      "does not open on other days",
      { ...night, days: ["tue"] },
      "2030-01-02T23:00:00Z",
      "closed until 2030-01-08T22:00Z",
    ],
    [
      "takes numbers and long names for days",
      { ...night, days: ["0", "Monday"] },
      "2030-01-02T23:00:00Z",
      "closed until 2030-01-06T22:00Z",
    ],
    [
      "lasts a day where start and end are the same",
      { startTime: "6", endTime: "6", days: ["wed"] },
      "2030-01-03T05:59:00Z",
      "open until 2030-01-03T06:00Z",
    ],
    [
      "goes on where the next one follows at once",
      { startTime: "6", endTime: "6", days: ["wed", "thu"] },
      "2030-01-02T07:00:00Z",
      "open until 2030-01-04T06:00Z",
    ],
    [
      "is of its time zone",
      { ...night, timeZone: "America/New_York" },
      "2030-01-02T03:00:00Z",
      "open until 2030-01-02T09:00Z",
    ],
    [
      "takes zones with half hours",
      { ...night, timeZone: "Asia/Kolkata" },
      "2030-01-02T16:29:00Z",
      "closed until 2030-01-02T16:30Z",
    ],
    // Clocks in Berlin: 2030-03-31 from 02:00 to 03:00 at 01:00Z; 2030-10-27 from 03:00 to 02:00 at 01:00Z.
    ["is an hour shorter in the night of summer time", berlin, "2030-03-30T21:00:00Z", "open until 2030-03-31T02:00Z"],
    ["is an hour longer in the night of winter time", berlin, "2030-10-26T20:00:00Z", "open until 2030-10-27T03:00Z"],
    [
      "opens where the clock jumps over its start",
      { ...berlin, startTime: "02:30" },
      "2030-03-31T00:59:00Z",
      "closed until 2030-03-31T01:00Z",
    ],
    [
      "closes where the clock jumps over its end",
      { ...berlin, endTime: "02:30" },
      "2030-03-31T00:59:00Z",
      "open until 2030-03-31T01:00Z",
    ],
    [
      "opens the first time that an hour comes twice",
      { ...berlin, startTime: "02:30", endTime: "5" },
      "2030-10-27T00:29:00Z",
      "closed until 2030-10-27T00:30Z",
    ],
    [
      "closes the first time that an hour comes twice",
      { ...berlin, endTime: "02:30" },
      "2030-10-27T00:31:00Z",
      "closed until 2030-10-27T21:00Z",
    ],
    [
      "knows the southern summer",
      { ...night, timeZone: "Australia/Lord_Howe" },
      "2030-01-02T10:59:00Z",
      "closed until 2030-01-02T11:00Z",
    ],
  ])("%s", (_, spec, time, expected) => {
    expect(at(spec, time)).toBe(expected);
  });

  it.each([
    ["02:00", "03:00"],
    ["02:15", "02:45"],
  ])(
    "of one day, from %s to %s, opens a week later where summer time leaves that hour out, whenever it is asked",
    (startTime, endTime) => {
      const spec = { days: ["Sunday"], startTime, endTime, timeZone: "Europe/Berlin" };
      const opens = (time: string): string => at(spec, time).replace(/^closed until /, "");
      // 2030-03-31 has no such hour. A Sunday's own window is over, and it is asked on each day until then.
      for (let day = 24; day <= 31; day += 1) {
        expect(opens(`2030-03-${day}T12:00:00Z`), `${day}`).toBe(`2030-04-07T${startTime.replace("02:", "00:")}Z`);
      }
    },
  );

  it("names every bad field", () => {
    const spec = { days: ["mon", "someday"], startTime: "25:00", endTime: "4:0", timeZone: "Mars/Olympus" };
    expect(problemsOf(spec)).toEqual([
      'spec.window.days: "someday" is no day of the week',
      'spec.window.startTime: "25:00" is no time of day',
      'spec.window.endTime: "4:0" is no time of day',
      'spec.window.timeZone: "Mars/Olympus" is no time zone',
    ]);
  });
});

const time = fc.tuple(fc.nat(23), fc.nat(59)).map(([hour, minute]) => `${hour}:${String(minute).padStart(2, "0")}`);
const anyWindow = fc.record({
  days: fc.array(fc.constantFrom("su", "mon", "tuesday", "3", "TH", "Fri", "6"), { maxLength: 4 }),
  startTime: time,
  endTime: time,
  timeZone: fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Tehran",
  ),
});
const instant = fc.integer({ min: Date.parse("2020-01-01"), max: Date.parse("2032-01-01") });

describe("any window", () => {
  it("changes just when it says so", () => {
    fc.assert(
      fc.property(anyWindow, instant, (spec, nowMs) => {
        const window = compileWindow(spec, []);
        if (window === undefined) throw new Error("not compiled");
        const { isOpen, changesAtMs } = windowAt(window, nowMs);
        if (changesAtMs === undefined) throw new Error("always some day");
        expect(changesAtMs).toBeGreaterThan(nowMs);
        // Open for more than a week is always open.
        if (changesAtMs - nowMs < 7 * 86_400_000) expect(windowAt(window, changesAtMs).isOpen).toBe(!isOpen);
        expect(windowAt(window, changesAtMs - 1).isOpen).toBe(isOpen);
        expect(windowAt(window, nowMs + Math.floor((changesAtMs - nowMs) / 2)).isOpen).toBe(isOpen);
      }),
      { numRuns: 300 },
    );
  });

  it("is what a clock without summer time shows", () => {
    fc.assert(
      fc.property(anyWindow, instant, (spec, nowMs) => {
        const window = compileWindow({ ...spec, timeZone: "UTC" }, []);
        if (window === undefined) throw new Error("not compiled");
        const second = Math.floor((nowMs % 86_400_000) / 1000);
        const day = new Date(nowMs).getUTCDay();
        const today = window.days.has(day) && second >= window.startSecond && second < window.endSecond;
        const yesterday = window.days.has((day + 6) % 7) && second + 86_400 < window.endSecond;
        expect(windowAt(window, nowMs).isOpen).toBe(today || yesterday);
      }),
      { numRuns: 500 },
    );
  });
});
