/** What is known of a path, brought onto the disk. */
import { open } from "node:fs/promises";

/**
 * Of a folder its names: one that was made, or taken, survives a power cut only so. Of a file its content.
 * @throws what the system says
 */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
