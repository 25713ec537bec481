/** Remembers what we made in the TPM and takes it out again: nothing else, and always. */

import { TpmError } from "./errors.ts";
import type { Tcti } from "./tcti.ts";
import type { Tpm2 } from "./tpm2.ts";

export interface HandleKeeper {
  /** Runs a command that makes or loads keys: with room made for them, and knowing whose was whose. */
  guard<T>(command: () => Promise<T>): Promise<T>;
  /** Takes out what the guarded commands left. @throws TpmError */
  flushLeftovers(): Promise<void>;
  /** To be called when a tool did not end well: it may have left the session that tools make for themselves. */
  suspectSessions(): void;
  /** @param reference  handle or file of a policy session that we have started; there is one at a time */
  keepSession(reference: string): void;
  /** @throws TpmError */
  flushSession(): Promise<void>;
}

interface Stock {
  readonly objects: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
}

/**
 * Without a resource manager a tool leaves the keys that it made or loaded in the TPM, and does not tell under which
 * handles; a tool that was killed leaves its session as well, and not even a file. So the TPM is asked before and after.
 * Such a TPM serves one program at a time, so what came in between is ours; what another program of this kind left
 * meanwhile is a copy of what it has in its files.
 */
export function createHandleKeeper(tpm2: Tpm2, tcti: Tcti): HandleKeeper {
  let foreign: Stock | undefined;
  let hasObjects = false;
  let hasSessions = false;
  let policySession: string | undefined;

  async function flushLeftovers(): Promise<void> {
    if (foreign === undefined) return;
    if (hasObjects) await flushAllBut(tpm2, "transient", foreign.objects);
    hasObjects = false;
    if (hasSessions) await flushAllBut(tpm2, "loaded-session", foreign.sessions);
    hasSessions = false;
  }

  return {
    async guard(command) {
      if (!tcti.keepsObjects) return command();
      foreign ??= {
        objects: new Set(await listHandles(tpm2, "transient")),
        sessions: new Set(await listHandles(tpm2, "loaded-session")),
      };
      await flushLeftovers();
      hasObjects = true;
      return command();
    },
    suspectSessions() {
      hasSessions = true;
    },
    flushLeftovers,
    keepSession(reference) {
      policySession = reference;
    },
    async flushSession() {
      if (policySession === undefined) return;
      await flush(tpm2, policySession);
      policySession = undefined;
    },
  };
}

/**
 * The output of `tpm2_getcap handles-transient`: one `- 0x80000000` a line, nothing when there is none.
 * @throws TpmError TPM_NONSENSE for any other line
 */
export function parseHandles(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const handle = /^- (0x[0-9a-f]{1,8})\s*$/i.exec(line)?.[1];
    if (handle === undefined) throw new TpmError("TPM_NONSENSE", "tpm2_getcap printed something other than handles");
    return handle;
  });
}

type HandleKind = "transient" | "loaded-session";

async function listHandles(tpm2: Tpm2, kind: HandleKind): Promise<string[]> {
  const stdout = await tpm2.cleanUp("getcap", `handles-${kind}`);
  return parseHandles(Buffer.from(stdout).toString("utf8"));
}

async function flushAllBut(tpm2: Tpm2, kind: HandleKind, foreign: ReadonlySet<string>): Promise<void> {
  const present = await listHandles(tpm2, kind);
  for (const handle of present.filter((candidate) => !foreign.has(candidate))) await flush(tpm2, handle);
}

async function flush(tpm2: Tpm2, handle: string): Promise<void> {
  try {
    await tpm2.cleanUp("flushcontext", handle);
  } catch (error) {
    if (!isAlreadyGone(error)) throw error;
  }
}

/** TPM_RC_HANDLE for the parameter of FlushContext, TPM_RC_REFERENCE_H0 from the ReadPublic that the tool does first. */
function isAlreadyGone(error: unknown): boolean {
  if (!(error instanceof TpmError)) return false;
  return error.response?.name === "TPM_RC_HANDLE" || error.response?.name === "TPM_RC_REFERENCE_H0";
}
