/** Small text files: kubeconfigs, and the keys, certificates and tokens that they name. */
import { constants, open } from "node:fs/promises";

/** Larger than any kubeconfig, with room for many clusters. */
const MAX_FILE_BYTES = 1024 * 1024;

/** @throws what node:fs throws; RangeError where it is larger than such files are, Error where it is no file */
export async function readSmallFile(path: string): Promise<string> {
  // A pipe that nobody writes to would hold us for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, bytes, buffer.length - bytes, null);
      if (bytesRead === 0) break;
      bytes += bytesRead;
      if (bytes > MAX_FILE_BYTES) throw new RangeError(`${path} is larger than ${MAX_FILE_BYTES} bytes`);
    }
    return buffer.toString("utf8", 0, bytes);
  } finally {
    await file.close();
  }
}
