/** Clocks of places: from an instant to what the clock there shows, and back. */

/** What a clock shows; month 1 to 12. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly secondOfDay: number;
}

export type Clock = (ms: number) => WallTime;

/** @returns undefined where there is no such time zone */
export function clockOf(timeZone: string): Clock | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "gregory",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return undefined;
  }
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map((part) => [part.type, Number(part.value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return {
      year: of("year"),
      month: of("month"),
      day: of("day"),
      secondOfDay: of("hour") * 3600 + of("minute") * 60 + of("second"),
    };
  };
}

/** The wall time as if it were UTC, in milliseconds: what differs from the instant is the zone's offset. */
function asUtcMs(wall: WallTime): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day) + wall.secondOfDay * 1000;
}

const DAY_MS = 86_400_000;

/**
 * The first instant at which the clock shows this time or a later one: of an hour that comes twice the first, of an hour
 * that is left out the moment at which the clock jumps over it.
 * @param secondOfDay  may be 86400 and more: on a day after
 */
export function instantOf(clock: Clock, date: Omit<WallTime, "secondOfDay">, secondOfDay: number): number {
  const wantedMs = asUtcMs({ ...date, secondOfDay });
  const offsetAt = (ms: number): number => asUtcMs(clock(ms)) - Math.floor(ms / 1000) * 1000;
  const before = offsetAt(wantedMs - DAY_MS);
  const after = offsetAt(wantedMs + DAY_MS);
  const early = wantedMs - Math.max(before, after);
  const late = wantedMs - Math.min(before, after);
  if (early === late) return early;
  // The clock is changed within a day of it. Where it shows the wanted time at the earlier candidate, that is the first.
  if (offsetAt(early) === wantedMs - early) return early;
  if (offsetAt(late) === wantedMs - late) return late;
  // Left out: somewhere between the two the clock jumps.
  return jumpBetween(offsetAt, early, late);
}

function jumpBetween(offsetAt: (ms: number) => number, fromMs: number, toMs: number): number {
  let [low, high] = [fromMs, toMs];
  const old = offsetAt(low);
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(middle) === old) low = middle;
    else high = middle;
  }
  return high;
}
