/** The beginning of a file, for checks to which one that cannot be read is as good as none: the disks have a check of their own. */
import { constants, open } from "node:fs/promises";

/** @returns at most so many bytes, as UTF-8; "" where it cannot be read. Never fails */
export async function readBeginning(path: string, maxBytes: number): Promise<string> {
  // A pipe that nobody writes to would hold us for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  } finally {
    await file.close();
  }
}
