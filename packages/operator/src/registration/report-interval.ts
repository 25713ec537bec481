/** How often machines that have joined report what they are: what is written, within what is used. */
import { spanMs, spanRemark, type SpanLimits } from "@rancheros/protocol/durations";
import type { MachineRegistration } from "@rancheros/protocol/resources";

const MINUTE_MS = 60_000;
const LIMITS: SpanLimits = { fallbackMs: 10 * MINUTE_MS, leastMs: MINUTE_MS, mostMs: 24 * 60 * MINUTE_MS };

type Spec = MachineRegistration["spec"] | undefined;

/** @param spec  undefined where the registration is gone */
export function reportSeconds(spec: Spec): number {
  return Math.round((spanMs(spec?.reportInterval, LIMITS) ?? LIMITS.fallbackMs) / 1_000);
}

/** A sentence where it is not gone by as it is written: registrations are stored that have any, so that none is refused. */
export function reportIntervalRemark(spec: Spec): string | undefined {
  return spanRemark(spec?.reportInterval, LIMITS, "spec.reportInterval");
}
