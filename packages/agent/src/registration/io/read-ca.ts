/** Where this machine keeps the CAs that it trusts. */
import { stat } from "node:fs/promises";
import { rootCertificates } from "node:tls";

import { readBounded } from "../../files/index.ts";
import { RegistrationError } from "../errors.ts";

/** A bundle of every public CA has 220 KiB. */
const MAX_CA_BYTES = 4 * 1024 * 1024;

/** @throws RegistrationError REGISTRATION_CA_UNREADABLE, REGISTRATION_INTERRUPTED */
export async function readCaFile(path: string, signal?: AbortSignal): Promise<string> {
  const bytes = await readBounded(path, MAX_CA_BYTES, { signal }).catch((cause: unknown) => {
    if (signal?.aborted === true)
      throw new RegistrationError("REGISTRATION_INTERRUPTED", `reading ${path} was broken off`, { cause });
    throw new RegistrationError("REGISTRATION_CA_UNREADABLE", `the CA file ${path} cannot be read`, {
      cause,
      details: { path },
    });
  });
  return bytes.toString("latin1");
}

/**
 * @returns what a pipe holds, such as a shell's `<(COMMAND)`: to be kept, as it is empty from then on; undefined for what can
 *          be read again, and for what is not there
 * @throws RegistrationError REGISTRATION_CA_UNREADABLE, REGISTRATION_INTERRUPTED
 */
export async function readPipedCa(path: string, signal: AbortSignal): Promise<string | undefined> {
  const isPipe = await stat(path).then(
    (found) => found.isFIFO(),
    () => false,
  );
  return isPipe ? readCaFile(path, signal) : undefined;
}

/** Those that Node brings along. PEM. */
export function bundledCas(): string {
  return rootCertificates.join("\n");
}
