/** Files of the machine as they were before a slot was tried, in the form in which they wait for its end. */
import { AttestationMessageError, Fields } from "@rancheros/protocol/attestation";

import type { FoundFile } from "../files/index.ts";

/** Undefined where there was none. */
export type FileBefore = Omit<FoundFile, "names"> | undefined;

export interface KeptFile {
  readonly path: string;
  readonly before: FileBefore;
}

/** Of all of them together: configuration, and no programs. */
export const KEPT_MAX_BYTES = 4 * 1024 * 1024;
/** In base64, with what stands around it. */
export const KEPT_TEXT_MAX_BYTES = 2 * KEPT_MAX_BYTES;
const FILES_MAX = 1_000;
const PATH_MAX = 4_096;
const ID_MAX = 2 ** 32 - 1;

export function formatKeptFiles(kept: readonly KeptFile[]): string {
  const files = kept.slice(0, FILES_MAX).map(({ path, before }) => {
    if (before === undefined) return { path };
    const { content, mode, uid, gid } = before;
    return { path, before: { content: content.toString("base64"), mode, uid, gid } };
  });
  return `${JSON.stringify({ version: 1, files })}\n`;
}

/** @returns none where it is nothing that this program has written whole: then nothing is put back */
export function parseKeptFiles(text: string): readonly KeptFile[] {
  try {
    return Fields.read(JSON.parse(text), "the files from before", (fields) => {
      fields.integer("version", 1, 1);
      return fields.list("files", FILES_MAX, (file) => ({
        path: file.text("path", PATH_MAX),
        before: file.optionalObject("before", beforeOf),
      }));
    });
  } catch (error) {
    if (error instanceof AttestationMessageError || error instanceof SyntaxError) return [];
    throw error;
  }
}

function beforeOf(fields: Fields): Exclude<FileBefore, undefined> {
  return {
    content: fields.optionalBytes("content", KEPT_MAX_BYTES),
    mode: fields.integer("mode", 0, 0o7777),
    uid: fields.integer("uid", 0, ID_MAX),
    gid: fields.integer("gid", 0, ID_MAX),
  };
}
