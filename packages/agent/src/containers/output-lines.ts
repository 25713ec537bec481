/** From the bytes that a container prints to lines that people read: bounded in length, number and kind of characters. */
import { StringDecoder } from "node:string_decoder";

export type OutputStream = "stdout" | "stderr";

export type OutputEvent =
  | { readonly kind: "line"; readonly stream: OutputStream; readonly text: string }
  /** More came than could be kept or told; not a line of the container. */
  | { readonly kind: "skipped"; readonly bytes: number };

/** Characters of a line that are kept; the rest of it is replaced by an ellipsis. */
export const MAX_LINE_CHARACTERS = 4_000;

export interface OutputLines {
  readonly feed: (stream: OutputStream, bytes: Uint8Array) => void;
  readonly skip: (bytes: number) => void;
  /** Ends lines that have no line break. */
  readonly end: () => void;
  /** The newest lines, the oldest first. */
  readonly lastLines: () => readonly string[];
  readonly skippedBytes: () => number;
}

interface Partial {
  readonly decoder: StringDecoder;
  text: string;
  cut: boolean;
}

/** Memory stays below `keepLines` lines, whatever comes. */
export function createOutputLines(keepLines: number, onOutput: (event: OutputEvent) => void): OutputLines {
  const last: string[] = [];
  const partials = new Map<OutputStream, Partial>();
  let skippedBytes = 0;

  const partialOf = (stream: OutputStream): Partial => {
    const known = partials.get(stream);
    if (known !== undefined) return known;
    const fresh = { decoder: new StringDecoder("utf8"), text: "", cut: false };
    partials.set(stream, fresh);
    return fresh;
  };
  const append = (partial: Partial, text: string): void => {
    const room = MAX_LINE_CHARACTERS - partial.text.length;
    partial.text += text.length > room ? text.slice(0, room) : text;
    partial.cut ||= text.length > room;
  };
  const finish = (stream: OutputStream, partial: Partial): void => {
    const text = printable(partial.cut ? `${partial.text}…` : partial.text);
    partial.text = "";
    partial.cut = false;
    last.push(text);
    if (last.length > keepLines) last.shift();
    onOutput({ kind: "line", stream, text });
  };

  return {
    feed(stream, bytes) {
      const partial = partialOf(stream);
      const text = partial.decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      let from = 0;
      for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
        append(partial, text.slice(from, to));
        finish(stream, partial);
        from = to + 1;
      }
      append(partial, text.slice(from));
    },
    skip(bytes) {
      if (bytes <= 0) return;
      skippedBytes += bytes;
      // What is left of a line before the gap does not belong to what comes after it.
      for (const [stream, partial] of partials) if (partial.text !== "") finish(stream, { ...partial, cut: true });
      partials.clear();
      onOutput({ kind: "skipped", bytes });
    },
    end() {
      for (const [stream, partial] of partials) {
        append(partial, partial.decoder.end());
        if (partial.text !== "") finish(stream, partial);
      }
      partials.clear();
    },
    lastLines: () => [...last],
    skippedBytes: () => skippedBytes,
  };
}

/** The escape sequences that colour text and move a terminal's cursor (ECMA-48 CSI). */
const CONTROL_SEQUENCE = new RegExp(`${String.fromCodePoint(27)}\\[[0-?]*[ -/]*[@-~]`, "g");

/** Of a progress bar the last state; and nothing that a terminal would obey. */
function printable(line: string): string {
  const shown = line.replace(/\r+$/, "");
  return shown
    .slice(shown.lastIndexOf("\r") + 1)
    .replaceAll(CONTROL_SEQUENCE, "")
    .replaceAll(/(?!\t)\p{Cc}/gu, "\uFFFD");
}
