/** The support archive of a machine: what is asked for it, within a bound of time, and what is made of the answers. */
import { isCodedError } from "@rancheros/protocol/errors";
import { otherSlotName } from "../slots/index.ts";
import type { SlotRecord, Versions } from "./archive/archive-parts.ts";
import { makeArchive } from "./archive/make-archive.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { DoctorError } from "./errors.ts";
import type { SecretFiles } from "./io/secret-files.ts";
import type { SystemTexts } from "./io/system-texts.ts";
import { NODE_UNITS, OWN_UNITS } from "./judge-services.ts";
import type { OperatorTarget } from "./operator-target.ts";
import type { DoctorReport } from "./verdict.ts";

export interface ArchiveOutside extends Pick<
  DoctorOutside,
  "readAgentState" | "readOtherStamp" | "readRegistered" | "readUnits" | "slots" | "probeOperator" | "wallMs"
> {
  readonly readSystemTexts: () => Promise<SystemTexts>;
  readonly readJournals: (units: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, string>>;
  readonly readSecretFiles: () => Promise<SecretFiles>;
  readonly saveArchive: (path: string, bytes: Buffer) => Promise<void>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted after that time. */
  readonly timeout: (ms: number) => AbortSignal;
}

export interface ArchiveOptions {
  readonly path: string;
  readonly report: DoctorReport;
  /** The same for people. */
  readonly reportText: string;
  readonly versions: Versions;
  readonly target: OperatorTarget;
  readonly signal: AbortSignal;
}

export interface SavedArchive {
  readonly path: string;
  readonly bytes: number;
  readonly files: readonly string[];
  /** Places at which a secret of this machine stood. */
  readonly removed: number;
}

/** Both together are what docs/doctor.md promises. */
const ASK_LIMIT_MS = 12_000;
const SECRETS_LIMIT_MS = 3_000;
export const ARCHIVE_LIMIT_MS = ASK_LIMIT_MS + SECRETS_LIMIT_MS;
const LATE_SLOTS = "could not be read in time";
const NO_TEXTS: SystemTexts = { kernel: "", osRelease: "", commandLine: "" };
/** Without what is in them, the journals stay out. */
const LATE_SECRETS: SecretFiles = { files: [], unread: ["this machine's files, which did not come in time"] };

/** @throws DoctorError DOCTOR_ARCHIVE_UNSAVED, DOCTOR_ARCHIVE_LEAKS, DOCTOR_INTERRUPTED */
export async function supportArchiveThrough(outside: ArchiveOutside, options: ArchiveOptions): Promise<SavedArchive> {
  const { path, report, reportText, versions, target } = options;
  const signal = AbortSignal.any([options.signal, outside.timeout(ASK_LIMIT_MS)]);
  const units = [...OWN_UNITS, ...NODE_UNITS];
  const [texts = NO_TEXTS, registered, state, slots = LATE_SLOTS, found, journals] = await Promise.all([
    unlessLate(outside.readSystemTexts(), signal),
    unlessLate(outside.readRegistered(), signal),
    unlessLate(outside.readAgentState(), signal),
    unlessLate(slotsFor(outside, signal), signal),
    outside.readUnits(units, signal),
    outside.readJournals(units, signal),
  ]);
  // Last, so that nothing that was written meanwhile is missing among them.
  const secretsSignal = AbortSignal.any([options.signal, outside.timeout(SECRETS_LIMIT_MS)]);
  const secrets = (await unlessLate(outside.readSecretFiles(), secretsSignal)) ?? LATE_SECRETS;
  // What was not waited for is missing in it, and it would take the place of a whole one.
  if (options.signal.aborted) throw new DoctorError("DOCTOR_INTERRUPTED", "the archive was broken off");
  const operator = target.kind === "known" ? displayOf(outside, target) : undefined;
  const facts = {
    report,
    reportText,
    versions,
    ...texts,
    target,
    operator,
    registered,
    state,
    slots,
    units: found,
    journals,
  };
  const { bytes, files, removed } = makeArchive({
    facts: { ...facts, nowMs: outside.wallMs() },
    secrets,
    environment: outside.environment,
  });
  await outside.saveArchive(path, bytes);
  return { path, bytes: bytes.length, files, removed };
}

async function slotsFor(outside: SlotsOutside, signal: AbortSignal): Promise<SlotRecord | string> {
  try {
    return (await slotRecord(outside, signal)) ?? "this machine has none";
  } catch (error) {
    return `could not be read: ${reasonOf(error)}`;
  }
}

type SlotsOutside = Pick<DoctorOutside, "readOtherStamp" | "slots">;

async function slotRecord(
  { slots, readOtherStamp }: SlotsOutside,
  signal: AbortSignal,
): Promise<SlotRecord | undefined> {
  const started = slots.started();
  if (started === undefined) return undefined;
  // The other facts are worth as much without them.
  const [words, wordsUnread] = await slots.words().then(
    (read) => [read, undefined] as const,
    (error: unknown) => [undefined, reasonOf(error)] as const,
  );
  return {
    started,
    wordsUnread,
    good: words?.good,
    try: words?.try,
    reset: words?.reset,
    running: await slots.stamp(started.slot),
    other: await readOtherStamp(otherSlotName(started.slot), signal),
    bootCheck: await slots.bootCheck(),
  };
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return isCodedError(error) ? `${error.code}: ${message}` : message;
}

function displayOf(
  outside: ArchiveOutside,
  target: Extract<OperatorTarget, { readonly kind: "known" }>,
): string | undefined {
  try {
    return outside.probeOperator(target.options).display;
  } catch {
    return undefined;
  }
}

/** @returns undefined also for what cannot be told: the report says why */
async function unlessLate<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const end = (): void => late.resolve(undefined);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([work.catch(() => undefined), late.promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
