/** What a trace is made of, and how OTLP writes it as JSON. */

/** 1 internal, 2 server, 3 client. Source: opentelemetry-proto trace.proto, SpanKind */
export type SpanKind = 1 | 2 | 3;

/** Words from closed sets, and numbers: no name, address or key of a machine, and no path. */
export type Attributes = Readonly<Record<string, string | number>>;

export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** Since the epoch. */
  readonly beganMs: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  readonly isError: boolean;
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * 1_000n);
}

function attribute([key, value]: readonly [string, string | number]): object {
  if (typeof value === "string") return { key, value: { stringValue: value } };
  return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
}

function attributesOf(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).map(attribute);
}

/**
 * The body of a request for /v1/traces.
 * Source: opentelemetry-proto ExportTraceServiceRequest; OTLP specification, "JSON Protobuf Encoding": ids are hexadecimal
 */
export function traceRequest(resource: Attributes, version: string, spans: readonly Span[]): string {
  const written = spans.map(({ traceId, spanId, parentId, name, kind, beganMs, durationMs, attributes, isError }) => ({
    traceId,
    spanId,
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    name,
    kind,
    startTimeUnixNano: nanoseconds(beganMs),
    endTimeUnixNano: nanoseconds(beganMs + durationMs),
    attributes: attributesOf(attributes),
    ...(isError ? { status: { code: 2 } } : {}),
  }));
  const scopeSpans = [{ scope: { name: "rancheros-operator", version }, spans: written }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans }] });
}
