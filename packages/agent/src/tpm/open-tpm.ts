/** Opens the TPM of this machine. */

import { type MadeAttestationKey, certifyCreation, makeAttestationKey } from "./attestation-key.ts";
import { activateCredential, startEndorsementSession } from "./credential-activation.ts";
import { readEndorsementChain } from "./endorsement-chain.ts";
import { type ReadEndorsementKey, findEndorsementKey, readEndorsementKey } from "./endorsement-key.ts";
import { TpmError } from "./errors.ts";
import {
  DEFAULT_ENDORSEMENT_KEY,
  ENDORSEMENT_KINDS,
  type EndorsementKeyKind,
  type EndorsementKind,
} from "./endorsement-kind.ts";
import { createHandleKeeper } from "./handle-keeper.ts";
import type { inspectDeviceNode } from "./io/device-node.ts";
import type { runTool } from "./io/tool-process.ts";
import type { findLeftFolders } from "./io/left-folders.ts";
import type { createWorkFolder } from "./io/work-folder.ts";
import { flushLeftSessions } from "./left-sessions.ts";
import { type Tcti, parseTcti } from "./tcti.ts";
import type { Tpm } from "./tpm.ts";
import { type TpmEvent, createTpm2 } from "./tpm2.ts";
import type { Workbench } from "./workbench.ts";

/** Time for one command: a discrete TPM may need 20 s for an RSA key, and wait for another program's key before that. */
export const DEFAULT_COMMAND_TIMEOUT_MS = 90_000;

export interface OpenTpmOptions {
  /** As tpm2-tools take it with -T; see DEFAULT_TCTI. */
  readonly tcti: string;
  /** Breaks off what is under way; close() still cleans up afterwards. */
  readonly signal: AbortSignal;
  /** For each command of the TPM. */
  readonly timeoutMs: number;
  /** An existing folder for temporary files, best in memory (/run); a folder of mode 0700 is made in it when needed. */
  readonly workFolder: string;
  /** For the tools: PATH at least. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onEvent?: (event: TpmEvent) => void;
  /** Default: RSA-2048. "any": RSA-2048, and P-256 where the TPM makes no RSA keys. */
  readonly endorsementKey?: EndorsementKeyKind | "any";
}

/** What this domain needs of the world; index.ts hands it in. */
export interface TpmOutside {
  readonly runTool: typeof runTool;
  readonly createWorkFolder: typeof createWorkFolder;
  readonly findLeftFolders: typeof findLeftFolders;
  readonly inspectDeviceNode: typeof inspectDeviceNode;
}

/**
 * Does not talk to the TPM yet, but sees whether there is one.
 * @throws TpmError TPM_TCTI_INVALID, TPM_DEVICE_MISSING
 */
export async function openTpmThrough(outside: TpmOutside, options: OpenTpmOptions): Promise<Tpm> {
  const tcti = parseTcti(options.tcti);
  if (tcti.devicePath !== undefined) requireDevice(tcti, await outside.inspectDeviceNode(tcti.devicePath));
  const { environment, timeoutMs, signal, onEvent } = options;
  const tpm2 = createTpm2(outside.runTool, { tcti, environment, timeoutMs, signal, onEvent });
  const folder = outside.createWorkFolder(options.workFolder, tcti.text);
  const bench = { tpm2, folder, handles: createHandleKeeper(tpm2, tcti) };
  const takeOutLeft = async (): Promise<void> =>
    flushLeftSessions(tpm2, await outside.findLeftFolders(options.workFolder, tcti.text));
  return createTpm(bench, takeOutLeft, onEvent, options.endorsementKey);
}

function createTpm(
  bench: Workbench,
  takeOutLeft: () => Promise<void>,
  onEvent: ((event: TpmEvent) => void) | undefined,
  wanted: EndorsementKeyKind | "any" = DEFAULT_ENDORSEMENT_KEY,
): Tpm {
  const { handles, folder } = bench;
  const inTurn = createQueue();
  let read: ReadEndorsementKey | undefined;
  let chain: readonly Buffer[] | undefined;
  let made: MadeAttestationKey | undefined;
  let endorsementKey: string | undefined;
  let sessionFile: string | undefined;
  let hasTakenOutLeft = false;
  let isClosed = false;

  function work<T>(operation: () => Promise<T>): Promise<T> {
    return inTurn(async () => {
      if (isClosed) throw new TpmError("TPM_MISUSED", "the TPM was closed before it was used");
      try {
        if (!hasTakenOutLeft) await takeOutLeft();
        hasTakenOutLeft = true;
        return await operation();
      } catch (error) {
        handles.suspectSessions();
        if (mayHaveLostKeys(error)) forgetKeys();
        throw error;
      }
    });
  }

  /** What was made is no more: the next attestation makes it anew. */
  function forgetKeys(): void {
    made = undefined;
    endorsementKey = undefined;
    sessionFile = undefined;
    if (read?.reference !== undefined) read = undefined;
  }

  /** @returns whatever could not be taken out */
  async function takeOut(): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    for (const flush of [() => handles.flushSession(), () => handles.flushLeftovers()]) {
      try {
        await flush();
      } catch (failure) {
        failures.push(failure);
        // A TPM that is silent or gone would only make us wait again.
        if (!(failure instanceof TpmError) || failure.response === undefined) break;
      }
    }
    return failures;
  }

  async function readKey(): Promise<ReadEndorsementKey> {
    if (wanted !== "any") return readEndorsementKey(bench, wanted);
    try {
      return await readEndorsementKey(bench, DEFAULT_ENDORSEMENT_KEY);
    } catch (error) {
      if (!(error instanceof TpmError) || error.code !== "TPM_RSA_UNSUPPORTED") throw error;
      onEvent?.({ kind: "ecc-instead" });
      return readEndorsementKey(bench, "ecc-p256");
    }
  }

  function makeFor({ key }: ReadEndorsementKey): Promise<MadeAttestationKey> {
    return makeAttestationKey(bench, key.kind === "ecc-p256" ? "ecc" : "rsa");
  }

  function kindOf({ key }: ReadEndorsementKey): EndorsementKind {
    return ENDORSEMENT_KINDS[key.kind];
  }

  return {
    readEndorsementKey: () =>
      work(async () => {
        read ??= await readKey();
        return read.key;
      }),

    readEndorsementChain: () =>
      work(async () => {
        read ??= await readKey();
        chain ??= read.key.source.kind === "certificate" ? await readEndorsementChain(bench.tpm2) : [];
        return chain;
      }),

    prepareAttestation: () =>
      work(async () => {
        read ??= await readKey();
        made ??= await makeFor(read);
        endorsementKey ??= await findEndorsementKey(bench, read);
        await handles.flushLeftovers();
      }),

    createAttestationKey: ({ qualifyingData }) =>
      work(async () => {
        read ??= await readKey();
        made ??= await makeFor(read);
        const attestationKey = await certifyCreation(bench, made, qualifyingData);
        endorsementKey ??= await findEndorsementKey(bench, read);
        // A new one each time: nobody knows what became of one that lay in the TPM meanwhile.
        sessionFile = undefined;
        sessionFile = await startEndorsementSession(bench, kindOf(read));
        await handles.flushLeftovers();
        return attestationKey;
      }),

    activateCredential: (attestationKey, credentialBlob, encryptedSecret) =>
      work(async () => {
        if (
          read === undefined ||
          made === undefined ||
          endorsementKey === undefined ||
          !made.name.equals(attestationKey.name)
        ) {
          throw new TpmError("TPM_MISUSED", "the attestation key was not made by this TPM since it was opened");
        }
        sessionFile ??= await startEndorsementSession(bench, kindOf(read));
        const activation = { attestationKey: made.contextFile, endorsementKey, sessionFile };
        // Used up by the attempt, whether it succeeds or not.
        sessionFile = undefined;
        return activateCredential(bench, activation, credentialBlob, encryptedSecret);
      }),

    endAttestation: () =>
      inTurn(async () => {
        if (isClosed) return;
        sessionFile = undefined;
        await takeOut();
      }),

    close: () =>
      inTurn(async () => {
        if (isClosed) return;
        isClosed = true;
        for (const cause of await takeOut()) {
          const message = "a key or session stays in the TPM until the next restart";
          onEvent?.({ kind: "left-behind", error: new TpmError("TPM_LEFT_BEHIND", message, { cause }) });
        }
        await folder.close();
      }),
  };
}

/**
 * Contexts of keys end with a reset and with TPM2_Clear, and anybody may evict a persistent key: the tools then fail in ways
 * that never pass. What passes by itself, and a challenge that is another's, says nothing of the keys.
 */
function mayHaveLostKeys(error: unknown): boolean {
  if (!(error instanceof TpmError) || error.retry !== "never" || error.code === "TPM_CHALLENGE_REFUSED") return false;
  return error.response !== undefined || error.code === "TPM_COMMAND_FAILED";
}

/** One at a time: the TPM can do no more, and without a resource manager the order tells whose handle is whose. */
function createQueue(): <T>(operation: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (operation) => {
    const next = last.then(operation);
    last = next.catch(() => undefined);
    return next;
  };
}

/** @throws TpmError TPM_DEVICE_MISSING, TPM_TCTI_INVALID */
export function requireDevice(tcti: Tcti, node: Awaited<ReturnType<typeof inspectDeviceNode>>): void {
  const details = { tcti: tcti.text };
  if (node === "missing") {
    throw new TpmError("TPM_DEVICE_MISSING", `there is no TPM at ${tcti.devicePath ?? tcti.text}`, { details });
  }
  if (node === "something-else") {
    // A tool would write a TPM command over its first bytes.
    throw new TpmError("TPM_TCTI_INVALID", `${tcti.devicePath ?? tcti.text} is not the device of a TPM`, { details });
  }
}
