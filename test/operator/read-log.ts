/** What an operator's log says. */

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export function readLog(text: string): readonly LogLine[] {
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as LogLine] : []));
}

/** Lines that somebody would be called up for. */
export function complaints(text: string): readonly LogLine[] {
  return readLog(text).filter(({ level }) => level === "warn" || level === "error");
}
