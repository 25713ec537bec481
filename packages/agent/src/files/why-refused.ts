/** Why the system does not let us at a file, in words. */
import { systemCode } from "@rancheros/protocol/errors";

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
  // The kernel's messages tell more of it under this name.
  EIO: "EIO, the disk fails",
  EACCES: "this user may not",
  EPERM: "this user may not",
  EISDIR: "there is a folder of this name",
  ENOTDIR: "a part of the path is no folder",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "it leads through too many links",
};

/** @param cause  whatever was thrown */
export function whyRefused(cause: unknown): string {
  const code = systemCode(cause);
  return WORDS[code] ?? (code !== "" ? code : cause instanceof Error ? cause.message : String(cause));
}
