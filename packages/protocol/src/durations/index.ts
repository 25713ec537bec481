/** Reads durations. Apart from their schema, so that who only reads them need not load the schema library. */
export { durationMs, GO_DURATION, NANOSECONDS_FROM } from "./duration-ms.ts";
export { spanMs, spanRemark } from "./span-ms.ts";
export type { SpanLimits, WrittenSpan } from "./span-ms.ts";
