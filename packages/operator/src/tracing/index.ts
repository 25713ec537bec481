/** Traces by OpenTelemetry's protocol, where its environment variables ask for them. */
import { randomBytes } from "node:crypto";
import type { Log } from "../telemetry/index.ts";
import { createExporter } from "./io/otlp-exporter.ts";
import type { TraceSettings } from "./trace-settings.ts";
import { createTracer, type Tracer } from "./tracer.ts";

export { readTraceSettings } from "./trace-settings.ts";
export type { TraceChoice, TraceSettings } from "./trace-settings.ts";
export type { Tracer } from "./tracer.ts";

export interface Tracing extends Tracer {
  stop(): Promise<void>;
}

/** @param version  of the operator */
export function startTracing(settings: TraceSettings, version: string, log: Log): Tracing {
  const resource = { ...settings.resource, "service.version": version };
  const onTrouble = (why: string, spans: number): void => log.warn("traces are lost", { why, spans });
  const exporter = createExporter({ ...settings, resource }, version, Math.random, onTrouble);
  const tracer = createTracer({
    ratio: settings.ratio,
    nowMs: () => performance.timeOrigin + performance.now(),
    random: randomBytes,
    onSpan: (span) => exporter.add(span),
  });
  return { ...tracer, stop: () => exporter.stop() };
}
