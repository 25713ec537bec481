/** When nodes may start: days, times, a time zone; and what becomes of that when clocks are changed. */
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";
import { clockOf, instantOf, type Clock, type WallTime } from "./time-zone.ts";

type WindowSpec = NonNullable<ManagedOSImageSpec["window"]>;

export interface Window {
  /** 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  readonly startSecond: number;
  /** Beyond 86400 where it ends on the next day. */
  readonly endSecond: number;
  readonly clock: Clock;
}

export interface WindowState {
  readonly isOpen: boolean;
  /** When that changes; undefined where the window never opens. */
  readonly changesAtMs: number | undefined;
}

const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * 1000;
const DAY_NAMES = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

function secondOf(time: string): number | undefined {
  const match = /^([01]?[0-9]|2[0-3])(?::([0-5][0-9])(?::([0-5][0-9]))?)?$/.exec(time);
  if (match === null) return undefined;
  return Number(match[1]) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0);
}

/** Full names, their first three or two letters, and 0 to 6. */
function dayOf(text: string): number | undefined {
  if (/^[0-6]$/.test(text)) return Number(text);
  const lower = text.toLowerCase();
  const index = DAY_NAMES.findIndex((name) => [name, name.slice(0, 3), name.slice(0, 2)].includes(lower));
  return index === -1 ? undefined : index;
}

/** @param problems  gets a sentence for each bad field */
export function compileWindow(spec: WindowSpec, problems: string[]): Window | undefined {
  const start = secondOf(spec.startTime);
  const end = secondOf(spec.endTime);
  const clock = clockOf(spec.timeZone === undefined || spec.timeZone === "" ? "UTC" : spec.timeZone);
  const days = new Set<number>();
  const found: string[] = [];
  for (const text of spec.days ?? []) {
    const day = dayOf(text);
    if (day === undefined) found.push(`spec.window.days: ${JSON.stringify(text)} is no day of the week`);
    else days.add(day);
  }
  if (start === undefined) found.push(`spec.window.startTime: ${JSON.stringify(spec.startTime)} is no time of day`);
  if (end === undefined) found.push(`spec.window.endTime: ${JSON.stringify(spec.endTime)} is no time of day`);
  if (clock === undefined) found.push(`spec.window.timeZone: ${JSON.stringify(spec.timeZone)} is no time zone`);
  problems.push(...found);
  if (start === undefined || end === undefined || clock === undefined || found.length > 0) return undefined;
  const all = days.size === 0 ? new Set([0, 1, 2, 3, 4, 5, 6]) : days;
  return { days: all, startSecond: start, endSecond: end > start ? end : end + DAY_SECONDS, clock };
}

/** The date that is some days away, and its day of the week. */
function dateAfter(
  date: WallTime,
  days: number,
): { readonly date: Omit<WallTime, "secondOfDay">; readonly day: number } {
  const utc = new Date(Date.UTC(date.year, date.month - 1, date.day) + days * DAY_MS);
  return {
    date: { year: utc.getUTCFullYear(), month: utc.getUTCMonth() + 1, day: utc.getUTCDate() },
    day: utc.getUTCDay(),
  };
}

/** From the window of yesterday, which may still be open, to that of the same day in two weeks: summer time may leave out next week's. */
export function windowAt(window: Window, nowMs: number): WindowState {
  const today = window.clock(nowMs);
  let closesAtMs: number | undefined;
  for (let days = -2; days <= 15; days += 1) {
    const { date, day } = dateAfter(today, days);
    if (!window.days.has(day)) continue;
    const startMs = instantOf(window.clock, date, window.startSecond);
    const endMs = instantOf(window.clock, date, window.endSecond);
    // A window that opens as the last one closes goes on with it.
    if (closesAtMs !== undefined && startMs > closesAtMs) break;
    if (startMs <= nowMs && nowMs < endMs) closesAtMs = Math.max(closesAtMs ?? 0, endMs);
    else if (closesAtMs !== undefined && startMs <= closesAtMs) closesAtMs = Math.max(closesAtMs, endMs);
    else if (startMs > nowMs && startMs < endMs) return { isOpen: false, changesAtMs: startMs };
  }
  return { isOpen: closesAtMs !== undefined, changesAtMs: closesAtMs };
}
