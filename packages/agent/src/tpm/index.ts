/** The TPM of this machine: who it is, and how it proves that. */
import { inspectDeviceNode } from "./io/device-node.ts";
import { findLeftFolders } from "./io/left-folders.ts";
import { runTool } from "./io/tool-process.ts";
import { createWorkFolder } from "./io/work-folder.ts";
import { type OpenTpmOptions, openTpmThrough } from "./open-tpm.ts";
import type { Tpm } from "./tpm.ts";
import { readTpmStateThrough, type TpmState } from "./tpm-state.ts";

/**
 * Opens the TPM of this machine through tpm2-tools. Does not talk to it yet, but sees whether there is one.
 * @throws TpmError TPM_TCTI_INVALID, TPM_DEVICE_MISSING
 */
export function openTpm(options: OpenTpmOptions): Promise<Tpm> {
  return openTpmThrough({ runTool, createWorkFolder, findLeftFolders, inspectDeviceNode }, options);
}

/**
 * What the TPM says of its state, also where it refuses to work. Makes nothing in it.
 * @throws TpmError
 */
export function readTpmState(options: OpenTpmOptions): Promise<TpmState> {
  return readTpmStateThrough({ runTool, inspectDeviceNode }, options);
}

export { DEFAULT_ENDORSEMENT_KEY, ENDORSEMENT_KINDS } from "./endorsement-kind.ts";
export type { EndorsementKeyKind, EndorsementKind } from "./endorsement-kind.ts";
export { TPM_ERRORS, TpmError } from "./errors.ts";
export type { TpmErrorCode } from "./errors.ts";
export { DEFAULT_COMMAND_TIMEOUT_MS } from "./open-tpm.ts";
export type { OpenTpmOptions } from "./open-tpm.ts";
export { decodeResponseCode, describeResponseCode } from "./response-code.ts";
export type { ResponseCode, ResponseLayer } from "./response-code.ts";
export { DEFAULT_TCTI } from "./tcti.ts";
export type { AttestationKey, EndorsementKey, EndorsementKeySource, Tpm } from "./tpm.ts";
export type { TpmEvent } from "./tpm2.ts";
export type { TpmState } from "./tpm-state.ts";
