/** What keeps machines of an image from starting: the image as a whole, not one machine's place in the order. */
import type { Waiting } from "@rancheros/protocol/upgrade";
import { isNone } from "./amount.ts";
import type { CompiledImage } from "./compile-image.ts";
import { haltOf, type Tally } from "./tally.ts";
import { earliest, timeText } from "./time-text.ts";
import { windowAt } from "./window.ts";

export interface Gate {
  /** Why no machine may start; undefined where some may. */
  readonly closed: Waiting | undefined;
  /** Why none but canaries may; undefined where others may too. */
  readonly canariesOnly: Waiting | undefined;
  /** When time alone changes it. */
  readonly changesAtMs: number | undefined;
  readonly halted: string | undefined;
  /** Said where the window is closed. */
  readonly windowClosed: string | undefined;
  /** Said while the canaries have succeeded and are watched. */
  readonly soaking: string | undefined;
}

interface CanaryGate {
  readonly canariesOnly: Waiting | undefined;
  readonly soaking: string | undefined;
  readonly changesAtMs: number | undefined;
}

function canaryGate(image: CompiledImage, counted: Tally, doneAt: string | undefined, nowMs: number): CanaryGate {
  const { canary } = image;
  if (canary === undefined) return { canariesOnly: undefined, soaking: undefined, changesAtMs: undefined };
  const wait = (message: string) => ({ reason: "CanariesFirst", message }) as const;
  if (doneAt === undefined) {
    const message =
      counted.canaries === 0
        ? "canary.selector matches no machine that may be upgraded: change it, or label the machines that are to go first"
        : "the canaries go first";
    return { canariesOnly: wait(message), soaking: undefined, changesAtMs: undefined };
  }
  const endsAtMs = Date.parse(doneAt) + canary.soakMs;
  if (nowMs >= endsAtMs) return { canariesOnly: undefined, soaking: undefined, changesAtMs: undefined };
  const message = `the canaries have succeeded, the others begin at ${timeText(endsAtMs)}`;
  return { canariesOnly: wait(message), soaking: message, changesAtMs: endsAtMs };
}

function closedBy(image: CompiledImage, plan: string | undefined, halted: string | undefined): Waiting | undefined {
  if (image.problems.length > 0) return { reason: "Invalid", message: image.problems.join("; ") };
  if (plan === undefined) return { reason: "Unresolved", message: "the digest of the image is not known yet" };
  if (isNone(image.concurrency)) return { reason: "Paused", message: "concurrency is 0" };
  if (image.isSuspended) return { reason: "Suspended", message: "suspend is true" };
  return halted === undefined ? undefined : { reason: "Halted", message: halted };
}

/**
 * @param canariesDoneAt  of the canaries that the image has now
 */
export function gateOf(
  image: CompiledImage,
  plan: string | undefined,
  counted: Tally,
  so: { readonly canariesDoneAt: string | undefined; readonly nowMs: number },
): Gate {
  const { nowMs } = so;
  const halted = haltOf(counted, image.failureBudget);
  const window = image.window === undefined ? undefined : windowAt(image.window, nowMs);
  const opensAt = window?.changesAtMs === undefined ? "never opens" : `opens at ${timeText(window.changesAtMs)}`;
  const windowClosed = window === undefined || window.isOpen ? undefined : `the window ${opensAt}`;
  const canaries = canaryGate(image, counted, so.canariesDoneAt, nowMs);
  const closed = closedBy(image, plan, halted);
  return {
    closed: closed ?? (windowClosed === undefined ? undefined : { reason: "WindowClosed", message: windowClosed }),
    canariesOnly: canaries.canariesOnly,
    changesAtMs: earliest(window?.changesAtMs, canaries.changesAtMs),
    halted,
    windowClosed,
    soaking: canaries.soaking,
  };
}
