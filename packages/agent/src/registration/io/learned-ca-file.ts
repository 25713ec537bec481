/** The file of what was learned of the operator's CA: all of it or nothing, on the disk. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { open } from "node:fs/promises";

import { replaceFile } from "../../files/index.ts";
import { RegistrationError } from "../errors.ts";
import { LEARNED_CA_MAX_BYTES } from "../learned-ca.ts";

/** @returns undefined where there is none, or none that can be read */
export async function readLearnedCa(path: string): Promise<string | undefined> {
  // A pipe to which nobody writes is none that can be read.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(LEARNED_CA_MAX_BYTES + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.toString("utf8", 0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** @throws RegistrationError REGISTRATION_CA_UNSAVED */
export async function writeLearnedCa(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text);
  } catch (cause) {
    const why = systemCode(cause) || String(cause);
    throw new RegistrationError("REGISTRATION_CA_UNSAVED", `the operator's CA cannot be kept in ${path}: ${why}`, {
      cause,
      details: { path },
    });
  }
}
