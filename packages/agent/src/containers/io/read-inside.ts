/** Reads a file below a folder that somebody else filled: links lead nowhere outside of it. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { lstat, open, readlink } from "node:fs/promises";
import path from "node:path";

import { ContainerError } from "../errors.ts";
import { tooLarge, type ImageFile } from "../image-file.ts";

const MAX_LINKS = 40;

/**
 * @param root    nothing in it changes meanwhile
 * @param wanted  absolute, as seen from the root
 * @throws ContainerError CONTAINER_FILE_TOO_LARGE, CONTAINER_RUNTIME_FAILED
 */
export async function readInside(root: string, wanted: string, maxBytes: number): Promise<ImageFile> {
  try {
    const found = await resolveInside(root, wanted);
    return found === undefined ? { kind: "absent" } : await readRegular(found, wanted, maxBytes);
  } catch (cause) {
    if (cause instanceof ContainerError) throw cause;
    const code = systemCode(cause);
    // EACCES of a FIFO or device that may not be opened is none for root.
    if (isAbsent(cause)) return { kind: "absent" };
    if (code === "ELOOP" || code === "ENXIO" || code === "EISDIR") return { kind: "other" };
    throw new ContainerError("CONTAINER_RUNTIME_FAILED", `${wanted} of the image cannot be read`, { cause });
  }
}

async function resolveInside(root: string, wanted: string): Promise<string | undefined> {
  const left = partsOf(wanted);
  let at: string[] = [];
  for (let links = 0; left.length > 0;) {
    const part = left.shift() ?? "";
    if (part === "..") at.pop();
    if (part === "..") continue;
    const next = [...at, part];
    if (!(await lstat(path.join(root, ...next))).isSymbolicLink()) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = await readlink(path.join(root, ...next));
    if (target.startsWith("/")) at = [];
    left.unshift(...partsOf(target));
  }
  return path.join(root, ...at);
}

function partsOf(text: string): string[] {
  return text.split("/").filter((part) => part !== "" && part !== ".");
}

async function readRegular(file: string, wanted: string, maxBytes: number): Promise<ImageFile> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) return { kind: "other" };
    if (found.size > maxBytes) throw tooLarge(wanted, found.size, maxBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return { kind: "file", content: buffer.subarray(0, bytesRead), executable: (found.mode & 0o111) !== 0 };
  } finally {
    await handle.close();
  }
}
