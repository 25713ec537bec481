/** Takes out of the TPM what programs left in it that were killed before they could: it has room for 64 sessions at most. */
import { join } from "node:path";

import { SESSION_FILE } from "./credential-activation.ts";
import { TpmError } from "./errors.ts";
import type { LeftFolder } from "./io/left-folders.ts";
import type { Tpm2 } from "./tpm2.ts";

/**
 * By the saved context, which the TPM takes only if it is that very session: its handle may have been given to somebody else.
 * What cannot be taken out now is tried again by the next program.
 */
export async function flushLeftSessions(tpm2: Tpm2, folders: readonly LeftFolder[]): Promise<void> {
  for (const folder of folders) {
    try {
      await tpm2.cleanUp("flushcontext", join(folder.path, SESSION_FILE));
    } catch (error) {
      if (!(error instanceof TpmError) || !isNoSession(error)) return;
    }
    await folder.remove();
  }
}

/** There was none yet, or the TPM knows it no more. */
function isNoSession(error: TpmError): boolean {
  return error.code === "TPM_COMMAND_FAILED";
}
