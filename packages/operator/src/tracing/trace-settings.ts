/** OpenTelemetry's own environment variables, as far as they are about sending traces by OTLP over HTTP. */

export interface TraceSettings {
  readonly url: string;
  /** May hold keys: in no log. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Attributes of the process. */
  readonly resource: Readonly<Record<string, string>>;
  /** Of all traces, how many are sent: 0 to 1. */
  readonly ratio: number;
  readonly delayMs: number;
  readonly batchSpans: number;
  readonly queueSpans: number;
}

export type TraceChoice =
  | { readonly kind: "off" }
  | { readonly kind: "on"; readonly settings: TraceSettings }
  /** Off, since these cannot be meant. */
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

const TRACES_PATH = "/v1/traces";
const LARGEST = 1_000_000;

/** W3C Baggage, as OpenTelemetry writes lists of names and values. */
function pairs(text: string): Readonly<Record<string, string>> | undefined {
  const entries: [string, string][] = [];
  for (const part of text.split(",").filter((one) => one.trim() !== "")) {
    const at = part.indexOf("=");
    if (at <= 0) return undefined;
    try {
      entries.push([part.slice(0, at).trim(), decodeURIComponent(part.slice(at + 1).trim())]);
    } catch {
      return undefined;
    }
  }
  return Object.fromEntries(entries);
}

/**
 * Without an endpoint traces are off.
 * Source: OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter Configuration"
 */
export function readTraceSettings(environment: Readonly<Record<string, string | undefined>>): TraceChoice {
  const problems: string[] = [];
  const text = (name: string): string => environment[name]?.trim() ?? "";
  const ofTraces = (name: string): string =>
    text(`OTEL_EXPORTER_OTLP_TRACES_${name}`) || text(`OTEL_EXPORTER_OTLP_${name}`);
  const number = (name: string, given: string, fallback: number): number => {
    if (given === "") return fallback;
    const value = Number(given);
    if (Number.isInteger(value) && value > 0 && value <= LARGEST) return value;
    problems.push(`${name} is no number from 1 to ${LARGEST}`);
    return fallback;
  };
  const isOff = text("OTEL_SDK_DISABLED").toLowerCase() === "true" || text("OTEL_TRACES_EXPORTER") === "none";
  if (isOff || ofTraces("ENDPOINT") === "") return { kind: "off" };

  const own = text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const url = own || `${text("OTEL_EXPORTER_OTLP_ENDPOINT").replace(/\/+$/, "")}${TRACES_PATH}`;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) problems.push("the endpoint is no http:// or https:// URL");
  if (ofTraces("PROTOCOL") === "grpc") problems.push("the protocol grpc is not spoken, http/json is");
  const list = (name: string, given: string): Readonly<Record<string, string>> => {
    const found = pairs(given);
    if (found === undefined) problems.push(`${name} is no list of NAME=VALUE`);
    return found ?? {};
  };
  const headers = list("OTEL_EXPORTER_OTLP_HEADERS", ofTraces("HEADERS"));
  const attributes = list("OTEL_RESOURCE_ATTRIBUTES", text("OTEL_RESOURCE_ATTRIBUTES"));
  const settings: TraceSettings = {
    url,
    headers,
    timeoutMs: number("OTEL_EXPORTER_OTLP_TIMEOUT", ofTraces("TIMEOUT"), 10_000),
    resource: {
      ...attributes,
      "service.name": text("OTEL_SERVICE_NAME") || (attributes["service.name"] ?? "rancheros-operator"),
    },
    ratio: ratioOf(text("OTEL_TRACES_SAMPLER"), text("OTEL_TRACES_SAMPLER_ARG"), problems),
    delayMs: number("OTEL_BSP_SCHEDULE_DELAY", text("OTEL_BSP_SCHEDULE_DELAY"), 5_000),
    batchSpans: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", text("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 512),
    queueSpans: number("OTEL_BSP_MAX_QUEUE_SIZE", text("OTEL_BSP_MAX_QUEUE_SIZE"), 2_048),
  };
  return problems.length > 0 ? { kind: "wrong", problems } : { kind: "on", settings };
}

/** Nobody hands us a trace to go on with: with and without "parentbased" is the same. */
function ratioOf(sampler: string, argument: string, problems: string[]): number {
  switch (sampler.replace(/^parentbased_/, "")) {
    case "":
    case "always_on":
      return 1;
    case "always_off":
      return 0;
    case "traceidratio": {
      const ratio = argument === "" ? 1 : Number(argument);
      if (ratio >= 0 && ratio <= 1) return ratio;
      problems.push("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1");
      return 1;
    }
    default:
      problems.push("OTEL_TRACES_SAMPLER is none of always_on, always_off, traceidratio");
      return 1;
  }
}
