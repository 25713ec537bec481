/** What time it is at the API server. */
export interface ServerClock {
  /** @param date  the header of an answer that has just come */
  note(date: string | undefined): void;
  /** Milliseconds since 1970. */
  readonly serverMs: () => number;
}

export interface ClockOutside {
  /** Of a clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
  /** Of the wall clock, in milliseconds since 1970. */
  readonly wallMs: () => number;
}

/** As Go's servers write it. Source: RFC 9110, 5.6.7, IMF-fixdate */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Goes on from the last date by a clock that only goes forward: the node's own may be wrong, and may be set between two
 * answers. Until there was a date it has to be believed.
 */
export function followServerClock({ nowMs, wallMs }: ClockOutside): ServerClock {
  let last: { readonly dateMs: number; readonly atMs: number } | undefined;
  return {
    note(date) {
      const dateMs = date !== undefined && HTTP_DATE.test(date) ? Date.parse(date) : Number.NaN;
      if (!Number.isNaN(dateMs)) last = { dateMs, atMs: nowMs() };
    },
    serverMs: () => (last === undefined ? wallMs() : last.dateMs + (nowMs() - last.atMs)),
  };
}
