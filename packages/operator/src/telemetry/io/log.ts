/** The operator's log: one JSON line an event on standard output. */
import { pino } from "pino";

/** What the line itself has; once more it would hide the first from most readers of JSON. */
interface OfTheLine {
  readonly level?: never;
  readonly time?: never;
  readonly message?: never;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>> & OfTheLine;

/** A constant sentence and fields; fields never hold a token, a secret or a config. */
export interface Log {
  debug(sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  warn(sentence: string, fields?: LogFields): void;
  error(sentence: string, fields?: LogFields): void;
}

export function createLog(level: "debug" | "info" | "warn" | "error"): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "message",
      formatters: { level: (label) => ({ level: label }) },
    },
    // What was decided is written before it is answered: a crash loses no line.
    pino.destination({ fd: 1, sync: true }),
  );
  return {
    debug: (sentence, fields = {}) => logger.debug(fields, sentence),
    info: (sentence, fields = {}) => logger.info(fields, sentence),
    warn: (sentence, fields = {}) => logger.warn(fields, sentence),
    error: (sentence, fields = {}) => logger.error(fields, sentence),
  };
}
