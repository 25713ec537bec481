/** `rancheros-operator display`: a file to stdout, for the pods of channels of type custom. */
import { open } from "node:fs/promises";
import { SettingsError, unreadable } from "./settings/index.ts";

/** As much of a file as the operator would read of a pod's log, and a byte that tells that there is more. */
const DISPLAY_MAX_BYTES = 4 * 1024 * 1024 + 1;

/**
 * @param args  what stands behind the command: --file=FILE, or --file FILE as the original has it
 * @throws SettingsError  for anything else
 */
export function displayedFile(args: readonly string[]): string {
  const [first = "", second] = args;
  const file = first.startsWith("--file=") ? first.slice("--file=".length) : first === "--file" ? second : undefined;
  const count = first === "--file" ? 2 : 1;
  if (file === undefined || file === "" || args.length !== count) {
    throw new SettingsError("SETTINGS_INVALID", ["display takes --file FILE, and nothing else"]);
  }
  return file;
}

/** @throws SettingsError  SETTINGS_FILE_UNREADABLE */
export async function readDisplayed(file: string): Promise<Buffer> {
  try {
    return await readBeginning(file);
  } catch (cause) {
    throw unreadable("--file", file, cause);
  }
}

async function readBeginning(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(DISPLAY_MAX_BYTES);
    let length = 0;
    for (let isEnd = false; !isEnd && length < buffer.length;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      isEnd = bytesRead === 0;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}
