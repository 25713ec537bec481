/** Sends spans to an OTLP receiver: in batches, in the background, and never at the cost of the operator's own work. */
import { systemCode } from "@rancheros/protocol/errors";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { traceRequest, type Span } from "../span.ts";
import type { TraceSettings } from "../trace-settings.ts";

/** OTLP specification, "Retryable Response Codes". */
const PASSING = new Set([429, 502, 503, 504]);
const TRIES = 4;
const FIRST_DELAY_MS = 1_000;
const STOP_MS = 1_000;

export interface Exporter {
  add(span: Span): void;
  /** Sends what is left, within a second. */
  stop(): Promise<void>;
}

/** @param onTrouble  told of spans that were not taken; what it is given holds no header */
export function createExporter(
  settings: TraceSettings,
  version: string,
  random: () => number,
  onTrouble: (message: string, spans: number) => void,
): Exporter {
  const waiting: Span[] = [];
  const ending = new AbortController();
  let dropped = 0;
  let underWay: Promise<void> | undefined;

  /** @returns undefined where they were taken, otherwise why not, and whether trying again may help */
  async function send(
    spans: readonly Span[],
  ): Promise<{ readonly why: string; readonly passing: boolean } | undefined> {
    try {
      const { statusCode, body } = await request(settings.url, {
        method: "POST",
        headers: { ...settings.headers, "content-type": "application/json" },
        body: traceRequest(settings.resource, version, spans),
        signal: AbortSignal.timeout(settings.timeoutMs),
      });
      await body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(settings.timeoutMs) });
      if (statusCode < 300) return undefined;
      return { why: `the receiver answers ${statusCode}`, passing: PASSING.has(statusCode) };
    } catch (error) {
      const why = systemCode(error) || "it does not answer";
      return { why: `the receiver cannot be reached: ${why}`, passing: true };
    }
  }

  async function sendAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, settings.batchSpans);
      for (let attempt = 1; ; attempt += 1) {
        const trouble = await send(batch);
        if (trouble === undefined) break;
        if (!trouble.passing || attempt === TRIES || ending.signal.aborted) {
          onTrouble(trouble.why, batch.length);
          break;
        }
        const delayMs = FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + random());
        await sleep(delayMs, undefined, { signal: ending.signal }).catch(() => undefined);
      }
    }
    if (dropped > 0) onTrouble("more spans came than were sent", dropped);
    dropped = 0;
  }

  const flush = (): Promise<void> => (underWay ??= sendAll().finally(() => (underWay = undefined)));
  const timer = setInterval(() => void flush(), settings.delayMs);
  timer.unref();

  return {
    add(span) {
      if (waiting.length >= settings.queueSpans) dropped += 1;
      else waiting.push(span);
      if (waiting.length >= settings.batchSpans) void flush();
    },
    async stop() {
      clearInterval(timer);
      ending.abort();
      await Promise.race([flush(), sleep(STOP_MS, undefined, { ref: false })]);
    },
  };
}
