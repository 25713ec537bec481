/** Traces, against a receiver on real sockets that reads OTLP's JSON. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readTraceSettings, startTracing, type TraceSettings, type Tracing } from "../../../src/tracing/index.ts";
import type { Span } from "../../../src/tracing/span.ts";
import { createTracer } from "../../../src/tracing/tracer.ts";
import { createLog } from "../../../src/telemetry/index.ts";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number>>;
}
interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code: number };
}
interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly resource: readonly Attribute[];
  readonly spans: readonly ReceivedSpan[];
}

let server: Server;
let base: string;
let statuses: number[];
const received: Received[] = [];

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { resourceSpans } = JSON.parse(await text(request)) as {
    resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: ReceivedSpan[] }[] }[];
  };
  const status = statuses.shift() ?? 200;
  if (status === 200) {
    received.push({
      path: request.url ?? "",
      headers: request.headers,
      resource: resourceSpans.flatMap(({ resource }) => resource.attributes),
      spans: resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    });
  }
  response.writeHead(status, { "content-type": "application/json" }).end("{}");
}

beforeAll(async () => {
  server = createServer((request, response) => void receive(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(() => server.close());
beforeEach(() => {
  received.length = 0;
  statuses = [];
});

function settingsOf(more: Readonly<Record<string, string>> = {}): TraceSettings {
  const choice = readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: `${base}/`, ...more });
  if (choice.kind !== "on") throw new Error(JSON.stringify(choice));
  return choice.settings;
}

const start = (more: Readonly<Record<string, string>> = {}): Tracing =>
  startTracing(settingsOf({ OTEL_BSP_SCHEDULE_DELAY: "10", ...more }), "1.2.3", createLog("error"));

const spansSoFar = (): readonly ReceivedSpan[] => received.flatMap(({ spans }) => spans);

async function untilSpans(isEnough: (count: number) => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!isEnough(spansSoFar().length) && performance.now() < deadline) await sleep(10);
}
const CALL = { verb: "patch", resource: "secrets", outcome: "conflict", durationMs: 20 } as const;
const attributesOf = (list: readonly Attribute[]): object =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));

async function step(tracing: Tracing, status: number): Promise<void> {
  await tracing.inSpan(
    "machine plan",
    async () => {
      await sleep(1);
      tracing.apiCall(CALL);
      return status;
    },
    (code) => ({ attributes: { "http.response.status_code": code }, isError: code >= 500 }),
  );
}

describe("a trace", () => {
  it("has a step with the API calls below it, and comes with the headers and attributes that were asked for", async () => {
    const tracing = start({
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20canary,x-team=os",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=lab,service.name=ignored",
      OTEL_SERVICE_NAME: "operator-of-lab",
    });
    await Promise.all([step(tracing, 200), step(tracing, 503)]);
    tracing.apiCall({ ...CALL, outcome: "timeout" });
    await untilSpans((count) => count === 5);
    await tracing.stop();
    const [batch] = received;
    expect(batch?.path).toBe("/v1/traces");
    expect(batch?.headers).toMatchObject({
      authorization: "Bearer canary",
      "x-team": "os",
      "content-type": "application/json",
    });
    expect(attributesOf(batch?.resource ?? [])).toEqual({
      "deployment.environment": "lab",
      "service.name": "operator-of-lab",
      "service.version": "1.2.3",
    });
    const spans = spansSoFar();
    expect(spans).toHaveLength(5);
    const steps = spans.filter(({ name }) => name === "machine plan");
    expect(steps.map(({ status }) => status?.code)).toEqual([undefined, 2]);
    for (const one of steps) {
      const [call] = spans.filter(({ parentSpanId }) => parentSpanId === one.spanId);
      expect(call).toMatchObject({ name: "patch secrets", kind: 3, traceId: one.traceId });
      expect(call?.status).toBeUndefined();
      expect(attributesOf(call?.attributes ?? [])).toEqual({
        "rancheros.verb": "patch",
        "rancheros.resource": "secrets",
        "rancheros.outcome": "conflict",
      });
      expect(BigInt(one.endTimeUnixNano)).toBeGreaterThan(BigInt(one.startTimeUnixNano));
      expect(Math.abs(Number(BigInt(one.endTimeUnixNano) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
    }
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(3);
    for (const { traceId, spanId } of spans) {
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(spans.find(({ parentSpanId, kind }) => parentSpanId === undefined && kind === 3)?.status?.code).toBe(2);
  });

  it("ends with its step: what was begun in there and goes on has traces of its own", async () => {
    const spans: Span[] = [];
    const parts = { ratio: 1, nowMs: () => 0, random: randomBytes, onSpan: (span: Span) => spans.push(span) };
    const tracer = createTracer(parts);
    const ending = () => ({ attributes: {}, isError: false });
    const going: Promise<void>[] = [];
    const later = async (): Promise<void> => {
      for (let count = 0; count < 2; count += 1) {
        await sleep(5);
        tracer.apiCall(CALL);
      }
      await tracer.inSpan("later", async () => tracer.apiCall(CALL), ending);
    };
    await tracer.inSpan("step", async () => going.push(later()), ending);
    const refused = tracer.inSpan(
      "refused",
      async () => {
        going.push(later());
        throw new Error("refused");
      },
      ending,
    );
    await expect(refused).rejects.toThrow("refused");
    await Promise.all(going);
    const tree = spans.map(({ name, traceId, parentId }) => {
      const parent = spans.find(({ spanId }) => spanId === parentId)?.name ?? "nobody";
      return `${name} below ${parent}, ${spans.filter((other) => other.traceId === traceId).length} in the trace`;
    });
    const [call, child] = ["patch secrets below nobody, 1 in the trace", "patch secrets below later, 2 in the trace"];
    const both = "later below nobody, 2 in the trace";
    const steps = ["refused", "step"].map((name) => `${name} below nobody, 1 in the trace`);
    expect(tree.toSorted()).toEqual([both, both, child, child, call, call, call, call, ...steps]);
  });

  it("is sent again where the receiver asks for patience, and given up where it refuses", async () => {
    statuses = [503, 429];
    const patient = start();
    patient.apiCall(CALL);
    await untilSpans((count) => count === 1);
    expect(spansSoFar()).toHaveLength(1);
    await patient.stop();
    statuses = [400];
    const refused = start();
    refused.apiCall(CALL);
    await refused.stop();
    expect(received).toHaveLength(1);
  });

  it("costs no memory without end and no work where nobody is there", async () => {
    const away = start({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" });
    away.apiCall(CALL);
    await away.stop();
    statuses = Array.from({ length: 1_000 }, () => 503);
    const bounds = { OTEL_BSP_MAX_QUEUE_SIZE: "10", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "5" };
    const busy = start(bounds);
    for (let count = 0; count < 1_000; count += 1) busy.apiCall(CALL);
    await busy.stop();
    // The batch that was under way, and what was left: each once.
    expect(1_000 - statuses.length).toBeLessThanOrEqual(3);
  });

  it("ends with the operator also where the receiver says nothing", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    // As long as nobody would wait: the request's own time is not what ends it.
    const patience = { OTEL_EXPORTER_OTLP_TIMEOUT: "1000000" };
    const tracing = start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, ...patience });
    tracing.apiCall(CALL);
    const asked = once(silent, "request");
    await tracing.stop();
    expect(await asked).toHaveLength(2);
    silent.closeAllConnections();
    silent.close();
  });

  it("is left out whole where the sampler says so", async () => {
    const tracesAt = async (ratio: number): Promise<readonly Span[]> => {
      const spans: Span[] = [];
      const parts = { ratio, nowMs: () => 0, random: randomBytes, onSpan: (span: Span) => spans.push(span) };
      const tracer = createTracer(parts);
      for (let count = 0; count < 200; count += 1) {
        await tracer.inSpan(
          "x",
          async () => tracer.apiCall(CALL),
          () => ({ attributes: {}, isError: false }),
        );
      }
      return spans;
    };
    expect(await tracesAt(0)).toEqual([]);
    expect(await tracesAt(1)).toHaveLength(400);
    const half = await tracesAt(0.5);
    const traces = new Set(half.map(({ traceId }) => traceId));
    expect(traces.size).toBeGreaterThan(50);
    expect(traces.size).toBeLessThan(150);
    expect(half).toHaveLength(2 * traces.size);
  });
});

describe("OpenTelemetry's variables", () => {
  it("leave traces off unless there is an endpoint", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
    for (const environment of [
      {},
      { OTEL_SERVICE_NAME: "x" },
      { ...endpoint, OTEL_SDK_DISABLED: "true" },
      { ...endpoint, OTEL_TRACES_EXPORTER: "none" },
    ]) {
      expect(readTraceSettings(environment)).toEqual({ kind: "off" });
    }
  });

  it("name the place: of traces, or of everything", () => {
    const urlOf = (environment: Readonly<Record<string, string>>): unknown => {
      const choice = readTraceSettings(environment);
      return choice.kind === "on" ? choice.settings.url : choice;
    };
    expect(urlOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4318/x/" })).toBe("http://a:4318/x/v1/traces");
    expect(urlOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://b/t" })).toBe(
      "https://b/t",
    );
  });

  it("are refused together where they cannot be meant, and what is secret in them is not said", () => {
    const choice = readTraceSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_HEADERS: "canary",
      OTEL_RESOURCE_ATTRIBUTES: "a=%E0%A4%A",
      OTEL_EXPORTER_OTLP_TIMEOUT: "-1",
      OTEL_TRACES_SAMPLER: "jaeger_remote",
    });
    expect(choice).toMatchObject({ kind: "wrong", problems: { length: 6 } });
    expect(JSON.stringify(choice)).not.toContain("canary");
    expect(
      readTraceSettings({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://a",
        OTEL_TRACES_SAMPLER: "traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "2",
      }).kind,
    ).toBe("wrong");
  });
});
