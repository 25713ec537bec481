/** From the parts of a support archive to its bytes: every part without secrets, bounded, and looked through once more. */
import { gzipSync } from "node:zlib";

import { DoctorError } from "../errors.ts";
import type { SecretNet } from "./secret-net.ts";
import { suspectSpans } from "./suspect-spans.ts";
import { makeTar } from "./tar-file.ts";

/** One part: text that somebody wrote, or a value that is told as JSON. */
export type ArchivePart =
  | { readonly path: string; readonly kind: "text"; readonly text: string }
  | { readonly path: string; readonly kind: "json"; readonly value: unknown };

export interface PackedArchive {
  readonly bytes: Buffer;
  readonly files: readonly string[];
  /** Places at which a known secret stood. */
  readonly removed: number;
}

export interface PackOptions {
  readonly net: SecretNet;
  /** Of the folder in the archive, without a slash. */
  readonly folder: string;
  readonly nowMs: number;
}

const PART_MAX_CHARACTERS = 256 * 1024;
const TOTAL_MAX_BYTES = 4 * 1024 * 1024;
const CUT = "[what came before is left out]\n";

/** @throws DoctorError DOCTOR_ARCHIVE_LEAKS, rather than give bytes with a secret in them */
export function packArchive(parts: readonly ArchivePart[], { net, folder, nowMs }: PackOptions): PackedArchive {
  let removed = 0;
  let left = TOTAL_MAX_BYTES;
  const hide = (text: string): string => {
    const hidden = net.hide(text, suspectSpans(text));
    // What stands together only now may be one again.
    const once = net.hide(hidden.text);
    removed += hidden.places + once.places;
    return once.text;
  };
  const files = parts.flatMap((part) => {
    if (left === 0) return [];
    const text = part.kind === "text" ? hide(lastPart(part.text)) : jsonText(part.value, hide, net);
    const content = Buffer.from(text.slice(0, PART_MAX_CHARACTERS)).subarray(0, left);
    left -= content.length;
    // Their names are written in this program: they tell nothing, even where a secret is such a word.
    if (net.isIn(content)) throw leaks(part.path);
    return [{ path: `${folder}/${part.path}`, content }];
  });
  const bytes = gzipSync(makeTar(files, Math.floor(nowMs / 1000)), { level: 9 });
  return { bytes, files: files.map(({ path }) => path), removed };
}

/** Texts one by one, before JSON writes them otherwise, and then the whole: a secret may be a number, or the word of a key. */
function jsonText(value: unknown, hide: (text: string) => string, net: SecretNet): string {
  return net.hide(`${JSON.stringify(hideIn(value, hide, 0), undefined, 2)}\n`).text;
}

/** The end of a log is what matters; a line that is cut in half is left out, as half a secret is not known. */
function lastPart(text: string): string {
  if (text.length <= PART_MAX_CHARACTERS) return text;
  const cut = text.slice(-PART_MAX_CHARACTERS + CUT.length);
  return `${CUT}${cut.slice(cut.indexOf("\n") + 1)}`;
}

const MAX_DEPTH = 32;

function hideIn(value: unknown, hide: (text: string) => string, depth: number): unknown {
  if (typeof value === "string") return hide(value);
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((item) => hideIn(item, hide, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hideIn(inner, hide, depth + 1)]));
}

function leaks(where: string): DoctorError {
  return new DoctorError("DOCTOR_ARCHIVE_LEAKS", `a secret of this machine was found in ${where}`);
}
