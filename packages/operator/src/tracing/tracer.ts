/** Makes spans of what the operator does: steps of machines with the API calls below them. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ApiCall } from "../telemetry/index.ts";
import type { Attributes, Span } from "./span.ts";

export interface TracerParts {
  /** Of all traces, how many are kept: 0 to 1. */
  readonly ratio: number;
  readonly nowMs: () => number;
  readonly random: (bytes: number) => Buffer;
  /** Told of each span that has ended. */
  readonly onSpan: (span: Span) => void;
}

export interface Ending {
  readonly attributes: Attributes;
  readonly isError: boolean;
}

export interface Tracer {
  /** The work, and whatever it asks the API server for, in one trace. */
  inSpan<Value>(name: string, work: () => Promise<Value>, endingOf: (value: Value) => Ending): Promise<Value>;
  /** A request to the API server that has just ended. */
  apiCall(call: ApiCall): void;
}

interface Open {
  readonly traceId: string;
  readonly spanId: string;
  readonly isKept: boolean;
}

export function createTracer({ ratio, nowMs, random, onSpan }: TracerParts): Tracer {
  /** Emptied when the span ends: timers, queues and late writes that began in it keep it for as long as they run. */
  const present = new AsyncLocalStorage<{ open: Open | undefined }>();

  function open(parent: Open | undefined): Open {
    const spanId = random(8).toString("hex");
    if (parent !== undefined) return { ...parent, spanId };
    const id = random(16);
    // The same for all who look at the id. Source: OpenTelemetry specification, TraceIdRatioBased
    const isKept = id.readUInt32BE(12) / 2 ** 32 < ratio;
    return { traceId: id.toString("hex"), spanId, isKept };
  }

  function close(one: Open, parent: Open | undefined, ended: Ending & Pick<Span, "name" | "kind" | "beganMs">): void {
    if (!one.isKept) return;
    const { traceId, spanId } = one;
    onSpan({ traceId, spanId, parentId: parent?.spanId, durationMs: nowMs() - ended.beganMs, ...ended });
  }

  return {
    async inSpan(name, work, endingOf) {
      const parent = present.getStore()?.open;
      const one = open(parent);
      const held: { open: Open | undefined } = { open: one };
      const beganMs = nowMs();
      try {
        const value = await present.run(held, work);
        close(one, parent, { name, kind: 2, beganMs, ...endingOf(value) });
        return value;
      } catch (error) {
        close(one, parent, { name, kind: 2, beganMs, attributes: {}, isError: true });
        throw error;
      } finally {
        held.open = undefined;
      }
    },
    apiCall({ verb, resource, outcome, durationMs }) {
      const parent = present.getStore()?.open;
      const isError = !["ok", "not_found", "conflict", "gone"].includes(outcome);
      const attributes = { "rancheros.verb": verb, "rancheros.resource": resource, "rancheros.outcome": outcome };
      const beganMs = nowMs() - durationMs;
      close(open(parent), parent, { name: `${verb} ${resource}`, kind: 3, beganMs, attributes, isError });
    },
  };
}
