/** Decides whether the slot that was tried is good: nothing else may. */
import type { BootCheckRecord } from "./boot-check-record.ts";
import { SlotError } from "./errors.ts";
import type { MachineSlots } from "./machine-slots.ts";
import type { SlotName } from "./slot.ts";

export interface BootCheckOutside {
  readonly slots: Pick<MachineSlots, "started" | "words" | "markGood" | "stamp">;
  /** What is not well now, one sentence each; none where all is. */
  readonly look: (signal: AbortSignal) => Promise<readonly string[]>;
  /** All of it or nothing, and on the disk. */
  readonly record: (record: BootCheckRecord) => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly bootId: string;
  readonly wallMs: () => number;
  readonly uptimeMs: () => number;
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export interface BootCheckOptions {
  /** From the start of the machine on: services need a while. */
  readonly patienceMs: number;
  /** So long all has to be well before the slot is good. */
  readonly steadyMs: number;
  /** Where the checks fail; without, it is only told. */
  readonly restarts: boolean;
  readonly signal: AbortSignal;
  readonly onLook: (failures: readonly string[]) => void;
}

export type BootCheckVerdict =
  | { readonly kind: "no-slots" }
  /** It was good before. */
  | { readonly kind: "already-good"; readonly slot: SlotName }
  | {
      readonly kind: "marked-good";
      readonly slot: SlotName;
      /** Why nothing of it could be written down for later starts; undefined where it was. */
      readonly unsaved: string | undefined;
    };

const LOOK_MS = 2_000;

/**
 * @throws SlotError SLOT_BOOT_CHECK_FAILED after it was written down and the restart was asked for
 */
export async function bootCheck(outside: BootCheckOutside, options: BootCheckOptions): Promise<BootCheckVerdict> {
  const { slots } = outside;
  const started = slots.started();
  if (started === undefined) return { kind: "no-slots" };
  const { slot } = started;
  if ((await slots.words()).good === slot) return { kind: "already-good", slot };
  const found = await waitUntilWell(outside, options);
  const [stamp, unreadable] = await slots.stamp(slot).then(
    (read) => [read, ""] as const,
    (cause: unknown) => [undefined, `: ${cause instanceof Error ? cause.message : String(cause)}`] as const,
  );
  // Of a slot that was not written to its end more may be missing than anything has noticed.
  const doubt = `slot ${slot} does not say that it was written to its end${unreadable}`;
  const failures = stamp === undefined ? [...found, doubt] : [...found];
  const digest = stamp?.digest;
  const record = {
    version: 1,
    slot,
    digest,
    bootId: outside.bootId,
    at: new Date(outside.wallMs()).toISOString(),
  } as const;
  const unmarked = failures.length === 0 ? await whyUnmarked(outside, options, slot) : undefined;
  if (unmarked !== undefined) failures.push(`all is well, but slot ${slot} cannot be marked good: ${unmarked}`);
  if (failures.length === 0) {
    // The boot loader has it: as a failure of this check it would restart a machine that is well.
    const why = await whyUnsaved(outside.record({ ...record, outcome: "good", failures }));
    return { kind: "marked-good", slot, unsaved: why };
  }
  // A full disk must not keep the machine from going back.
  const why = await whyUnsaved(outside.record({ ...record, outcome: "failed", failures }));
  const unsaved = why === undefined ? "" : ` (which could not be written down: ${why})`;
  // One that GRUB fell back to is all that there is: a restart would come back to it, for ever.
  if (options.restarts && started.isTrial) await outside.restart();
  throw new SlotError("SLOT_BOOT_CHECK_FAILED", `slot ${slot} is not well: ${failures.join("; ")}${unsaved}`);
}

/** A disk that is full or fails for a moment need not cost a good image: it is tried until the patience is over. */
async function whyUnmarked(
  { slots, uptimeMs, sleep }: BootCheckOutside,
  { patienceMs, signal }: BootCheckOptions,
  slot: SlotName,
): Promise<string | undefined> {
  for (;;) {
    const why = await whyUnsaved(slots.markGood(slot));
    if (why === undefined || uptimeMs() >= patienceMs) return why;
    await sleep(LOOK_MS, signal).catch(brokenOff);
  }
}

function brokenOff(cause: unknown): never {
  throw new SlotError("SLOT_INTERRUPTED", "the boot check was broken off; the slot is not marked good", { cause });
}

function whyUnsaved(saving: Promise<void>): Promise<string | undefined> {
  return saving.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** @returns what was wrong at the end of the patience; none where all was well for long enough */
async function waitUntilWell(outside: BootCheckOutside, options: BootCheckOptions): Promise<readonly string[]> {
  const { patienceMs, steadyMs, signal, onLook } = options;
  let wellSince: number | undefined;
  for (;;) {
    const failures = await outside.look(signal);
    onLook(failures);
    const now = outside.uptimeMs();
    wellSince = failures.length === 0 ? (wellSince ?? now) : undefined;
    if (wellSince !== undefined && now - wellSince >= steadyMs) return [];
    if (wellSince === undefined && now >= patienceMs) return failures;
    await outside.sleep(LOOK_MS, signal).catch(brokenOff);
  }
}
