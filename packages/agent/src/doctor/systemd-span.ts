/** Spans of time as systemd prints them: `1min 30s`, `infinity`, 0. Source: systemd.time(7) */

const SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  min: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
};

/** @returns 0 for `0`, `infinity` and `off`; undefined for what is no span */
export function parseSpanSeconds(text: string): number | undefined {
  const words = text.trim().split(/\s+/);
  if (words.length === 1 && ["0", "infinity", "off"].includes(words[0] ?? "")) return 0;
  let seconds = 0;
  for (const word of words) {
    const [, count = "", unit = ""] = /^(\d{1,12}(?:\.\d{1,9})?)([a-z]+)$/.exec(word) ?? [];
    const factor = SECONDS[unit];
    if (count === "" || factor === undefined) return undefined;
    seconds += Number(count) * factor;
  }
  return seconds;
}
