/** Reads what record-output.ts keeps, while it is written. */
import { systemCode } from "@rancheros/protocol/errors";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

import type { OutputLines } from "../output-lines.ts";
import {
  decodeFrames,
  decodeSegmentHeader,
  END_MARK,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentNumbers,
  type Frame,
} from "../recorded-frames.ts";
import { openIfThere } from "./open-if-there.ts";

export interface RecordedOutput {
  /** Reads what came since the last time; the newest part where that is more than lines should be made of. */
  readonly catchUp: () => Promise<void>;
  /** Whether the recorder has seen the end of all output. */
  readonly hasEnded: () => Promise<boolean>;
}

/** Of what came between two looks, this much is made into lines. */
const MAX_BYTES_PER_LOOK = 64 * 1024;
/** A segment is at most one frame longer than it should be. */
const MAX_READ_BYTES = 1024 * 1024;

export function followRecorded(folder: string, lines: OutputLines): RecordedOutput {
  let number = 0;
  let offset = 0;
  /** Bytes of output that were told or counted as skipped. */
  let reached = 0;

  const readSegment = async (): Promise<readonly Frame[]> => {
    const bytes = await readFrom(path.join(folder, segmentName(number)), offset);
    if (offset > 0) {
      const { frames, usedBytes } = decodeFrames(bytes);
      offset += usedBytes;
      return frames;
    }
    const position = decodeSegmentHeader(bytes);
    if (position === undefined) return [];
    lines.skip(position - reached);
    reached = position;
    const { frames, usedBytes } = decodeFrames(bytes.subarray(SEGMENT_HEADER_BYTES));
    offset = SEGMENT_HEADER_BYTES + usedBytes;
    return frames;
  };

  /** Once for each kind: the container's work is worth more than its words. */
  const troubles = new Set<string>();
  const orTold = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const code = systemCode(error) || String(error);
      if (!troubles.has(code))
        lines.feed("stderr", Buffer.from(`the recorded output in ${folder} cannot be read (${code})\n`));
      troubles.add(code);
    }
  };

  const catchUp = async (): Promise<void> => {
    for (;;) {
      if (number > 0) {
        const frames = await readSegment();
        tell(frames, lines);
        reached += frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
      }
      const numbers = segmentNumbers(await namesIn(folder));
      const next = numbers.find((one) => one > number);
      if (next === undefined) return;
      if (number > 0 && numbers.includes(number)) {
        // The recorder may have written between our reading and its turn to the next segment.
        const frames = await readSegment();
        tell(frames, lines);
        reached += frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
      }
      number = next;
      offset = 0;
    }
  };

  return {
    catchUp: () => orTold(catchUp),
    hasEnded: () =>
      stat(path.join(folder, END_MARK)).then(
        () => true,
        () => false,
      ),
  };
}

function tell(frames: readonly Frame[], lines: OutputLines): void {
  let budget = MAX_BYTES_PER_LOOK;
  let first = frames.length;
  while (first > 0 && budget > 0) {
    first -= 1;
    budget -= frames[first]?.bytes.length ?? 0;
  }
  lines.skip(frames.slice(0, first).reduce((sum, { bytes }) => sum + bytes.length, 0));
  for (const { stream, bytes } of frames.slice(first)) lines.feed(stream, bytes);
}

/** Nothing where the folder is gone, or not there yet. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Nothing where the segment is gone already. */
async function readFrom(file: string, offset: number): Promise<Buffer> {
  const handle = await openIfThere(file);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const buffer = Buffer.alloc(MAX_READ_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, MAX_READ_BYTES, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
