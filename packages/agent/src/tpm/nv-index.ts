/** Reads what the maker of a TPM left in its NV memory. */

import { TpmError } from "./errors.ts";
import type { Tpm2 } from "./tpm2.ts";

/** Answers of a TPM whose owner has set a password, or whose maker wants the index read with its own authorisation. */
const OTHER_AUTHORISATION_WANTED: ReadonlySet<string> = new Set([
  "TPM_RC_AUTH_FAIL",
  "TPM_RC_AUTH_UNAVAILABLE",
  "TPM_RC_BAD_AUTH",
  "TPM_RC_HIERARCHY",
  "TPM_RC_NV_AUTHORIZATION",
]);

/**
 * With the owner's (empty) authorisation as rancherd does, and with the index's own where that is refused.
 * @returns the whole index
 * @throws TpmError see isIndexAbsent, isIndexClosed
 */
export async function readNvIndex(tpm2: Tpm2, index: number): Promise<Uint8Array> {
  const name = `0x${index.toString(16).padStart(8, "0")}`;
  try {
    return await tpm2.run("nvread", ["-C", "owner"], name);
  } catch (error) {
    if (!wantsOtherAuthorisation(error)) throw error;
    return tpm2.run("nvread", name);
  }
}

/** Nothing is defined under this handle (TPM_RC_HANDLE); for persistent keys as well. */
export function isAbsent(error: unknown): boolean {
  return error instanceof TpmError && error.response?.name === "TPM_RC_HANDLE";
}

/** Why an index that is defined cannot be read, in the TPM's opinion: undefined for every other error. */
export function whyClosed(error: unknown): "never written" | "not readable for us" | undefined {
  if (!(error instanceof TpmError)) return undefined;
  if (error.response?.name === "TPM_RC_NV_UNINITIALIZED") return "never written";
  if (error.response?.name === "TPM_RC_NV_LOCKED" || wantsOtherAuthorisation(error)) return "not readable for us";
  return undefined;
}

function wantsOtherAuthorisation(error: unknown): boolean {
  return error instanceof TpmError && OTHER_AUTHORISATION_WANTED.has(error.response?.name ?? "");
}
