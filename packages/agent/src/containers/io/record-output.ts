/**
 * The process that containerd's shim starts beside a container, as its "binary" logger: it lives as long as the
 * container, so that output is taken also while no agent runs. Never holds the container up, keeps a bounded part.
 *
 * Descriptors: 3 is the container's stdout, 4 its stderr, 5 is closed to say that this is ready. Argument: the folder.
 * Source: containerd, pkg/process NewBinaryIO
 */
import { closeSync, createReadStream, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

import {
  encodeFrame,
  encodeSegmentHeader,
  END_MARK,
  KEPT_SEGMENTS,
  MAX_FRAME_BYTES,
  SEGMENT_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from "../recorded-frames.ts";
import type { OutputStream } from "../output-lines.ts";

const STREAMS: readonly (readonly [OutputStream, number])[] = [
  ["stdout", 3],
  ["stderr", 4],
];
const READY_DESCRIPTOR = 5;

function record(folder: string): void {
  let number = 0;
  let position = 0;
  let segment: { readonly descriptor: number; bytes: number } | undefined;
  let open = STREAMS.length;

  const next = (): { readonly descriptor: number; bytes: number } => {
    if (segment !== undefined) closeSync(segment.descriptor);
    number += 1;
    segment = { descriptor: openSync(path.join(folder, segmentName(number)), "wx", 0o600), bytes: 0 };
    writeSync(segment.descriptor, encodeSegmentHeader(position));
    segment.bytes = SEGMENT_HEADER_BYTES;
    rmSync(path.join(folder, segmentName(number - KEPT_SEGMENTS)), { force: true });
    return segment;
  };
  const write = (stream: OutputStream, chunk: Buffer): void => {
    try {
      const target = segment === undefined || segment.bytes > SEGMENT_BYTES ? next() : segment;
      const frame = encodeFrame(stream, chunk);
      const written = writeSync(target.descriptor, frame);
      target.bytes += written;
      // Half a frame, on a full disk: what follows would not be understood, so it goes into the next segment.
      if (written < frame.length) target.bytes = Number.POSITIVE_INFINITY;
    } catch {
      // A full disk, or a folder that was taken away: the container goes on, and its output is lost.
      if (segment !== undefined) segment.bytes = Number.POSITIVE_INFINITY;
    }
    position += chunk.length;
  };
  const ended = (): void => {
    open -= 1;
    if (open > 0) return;
    try {
      closeSync(openSync(path.join(folder, END_MARK), "w", 0o600));
    } catch {
      // Nobody is left to be told.
    }
  };

  for (const [name, descriptor] of STREAMS) {
    createReadStream("", { fd: descriptor, highWaterMark: MAX_FRAME_BYTES })
      .on("data", (chunk) => write(name, Buffer.from(chunk)))
      // "close" comes after the end and after an error.
      .on("error", () => undefined)
      .on("close", ended);
  }
  // The shim asks for the end as soon as the container has ended, maybe before all is read; the end of the pipes is the end.
  process.on("SIGTERM", () => undefined);
  process.on("SIGINT", () => undefined);
  closeSync(READY_DESCRIPTOR);
}

// As a single executable runs it, the name of the job stands before.
record(process.argv.slice(2).at(-1) ?? ".");
