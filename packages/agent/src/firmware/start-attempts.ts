/**
 * How often in a row a live system has told the firmware to start the installed one, and was started again itself. It is kept in
 * a variable of the firmware, and beside the boot loader for firmware that loses its variables: the larger of both counts.
 */
import { GUID_BYTES, guidBytes } from "./guid-bytes.ts";

export interface StartAttempts {
  readonly attempts: number;
  /** Of the last one, by the clock. */
  readonly atMs: number;
  /** The partition that was to be started. */
  readonly partitionId: string;
  /** Of the live system's start. */
  readonly bootId: string;
}

/** This start of the live system, and what it would start. */
export interface StartMoment extends Omit<StartAttempts, "attempts" | "atMs"> {
  readonly nowMs: number;
  /** When this live system was started, by the same clock. */
  readonly startedAtMs: number;
}

export interface JudgedStart {
  readonly kind: "go" | "spent";
  /** What is to be kept everywhere. */
  readonly record: StartAttempts;
}

/** A start may be lost for other reasons, as one of a slot on trial. */
export const MAX_ATTEMPTS = 3;
/**
 * A live system that is started later was not started in place of the installed one: that has run meanwhile, whether anything
 * in it takes the count back or not. A start that is lost takes less, also with a slot on trial and slow firmware.
 */
const FORGOTTEN_MS = 2 * 3_600_000;

const VERSION = 1;
const HEAD_BYTES = 10;
const RECORD_BYTES = HEAD_BYTES + 2 * GUID_BYTES;

/**
 * One attempt is one start: who was killed before the restart goes on with his own. What is spent stays so for the whole start,
 * whatever becomes of the clock.
 * @param kept  wherever it is kept
 */
export function judgeAttempts(kept: readonly StartAttempts[], moment: StartMoment): JudgedStart {
  const { partitionId, bootId, nowMs } = moment;
  const counted = kept.map((record) => ({ record, attempts: attemptsNow(record, moment) }));
  const attempts = Math.max(1, ...counted.map((one) => one.attempts));
  const own = counted.find((one) => one.attempts === attempts && sameGuid(one.record.bootId, bootId));
  return {
    kind: attempts > MAX_ATTEMPTS ? "spent" : "go",
    record: own?.record ?? { attempts, atMs: nowMs, partitionId, bootId },
  };
}

/** With the one of this start; 0 where what is kept does not count any more. */
function attemptsNow(record: StartAttempts, { partitionId, bootId, startedAtMs }: StartMoment): number {
  if (!sameGuid(record.partitionId, partitionId)) return 0;
  if (sameGuid(record.bootId, bootId)) return record.attempts;
  return startedAtMs - record.atMs <= FORGOTTEN_MS ? Math.min(MAX_ATTEMPTS, record.attempts) + 1 : 0;
}

/** Always of the same length. @returns undefined where one of the two is no GUID */
export function writeAttempts({ attempts, atMs, partitionId, bootId }: StartAttempts): Buffer | undefined {
  const [partition, boot] = [guidBytes(partitionId), guidBytes(bootId)];
  if (partition === undefined || boot === undefined) return undefined;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(VERSION, 0);
  head.writeUInt8(attempts, 1);
  head.writeBigUInt64LE(BigInt(Math.max(0, Math.trunc(atMs))), 2);
  return Buffer.concat([head, partition, boot]);
}

/** @returns undefined where it is none that this program understands */
export function parseAttempts(bytes: Buffer): StartAttempts | undefined {
  if (bytes.length !== RECORD_BYTES || bytes.readUInt8(0) !== VERSION) return undefined;
  const text = (at: number): string => guidText(bytes.subarray(at, at + GUID_BYTES));
  return {
    attempts: bytes.readUInt8(1),
    atMs: Number(bytes.readBigUInt64LE(2)),
    partitionId: text(HEAD_BYTES),
    bootId: text(HEAD_BYTES + GUID_BYTES),
  };
}

/** For a file that people may read. */
export function parseAttemptsText(text: string): StartAttempts | undefined {
  const [, hex] = /^([0-9a-f]+)\n$/.exec(text) ?? [];
  return hex === undefined ? undefined : parseAttempts(Buffer.from(hex, "hex"));
}

/** @param bytes  as `writeAttempts` makes them */
export function writeAttemptsText(bytes: Buffer): string {
  return `${bytes.toString("hex")}\n`;
}

function guidText(bytes: Buffer): string {
  const part = (from: number, to: number): Buffer => Buffer.from(bytes.subarray(from, to));
  const parts = [part(0, 4).reverse(), part(4, 6).reverse(), part(6, 8).reverse(), part(8, 10), part(10, 16)];
  return parts.map((one) => one.toString("hex")).join("-");
}

function sameGuid(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
