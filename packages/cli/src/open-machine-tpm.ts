/** Opens the TPM that a command line names. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { tmpdir } from "node:os";
import {
  DEFAULT_COMMAND_TIMEOUT_MS,
  DEFAULT_TCTI,
  openTpm,
  readTpmState,
  type EndorsementKeyKind,
  type OpenTpmOptions,
  type Tpm,
  type TpmState,
} from "@rancheros/agent/tpm";

import type { Surroundings } from "./surroundings.ts";

/** The kinds of endorsement key by the names that --ek takes; "any" where the TPM decides. */
export type EndorsementKeyChoice = EndorsementKeyKind | "any";

/**
 * @param tcti     the flag; without it TPM2TOOLS_TCTI, which tpm2-tools read, and then the kernel's resource manager
 * @param onRemark told what stays behind in the TPM, should cleaning up fail, and which key was taken where there is a choice
 * @throws TpmError
 */
export async function openMachineTpm(
  tcti: string | undefined,
  surroundings: Surroundings,
  onRemark: (text: string) => void,
  endorsementKey: EndorsementKeyChoice = "rsa2048",
): Promise<Tpm> {
  return openTpm({
    ...(await tpmOptions(tcti, surroundings)),
    endorsementKey,
    onEvent: (event) => {
      if (event.kind === "left-behind") onRemark(`Warning: ${event.error.message}. ${event.error.mend}`);
      if (event.kind === "ecc-instead") {
        onRemark(
          "This TPM makes no RSA keys: its ECC P-256 endorsement key is taken. Its hash is that of --ek ecc-p256.",
        );
      }
    },
  });
}

/** Of the same TPM. @throws TpmError */
export async function readMachineTpmState(tcti: string | undefined, surroundings: Surroundings): Promise<TpmState> {
  return readTpmState(await tpmOptions(tcti, surroundings));
}

async function tpmOptions(
  tcti: string | undefined,
  { environment, signal }: Surroundings,
): Promise<Omit<OpenTpmOptions, "onEvent" | "endorsementKey">> {
  const named = environment["TPM2TOOLS_TCTI"];
  return {
    tcti: tcti ?? (named === undefined || named === "" ? DEFAULT_TCTI : named),
    environment,
    signal,
    timeoutMs: DEFAULT_COMMAND_TIMEOUT_MS,
    workFolder: await temporaryFolder(environment["XDG_RUNTIME_DIR"]),
  };
}

/** In memory where there is such a folder: what lies in it for moments shall not reach a disk. */
async function temporaryFolder(runtimeFolder: string | undefined): Promise<string> {
  for (const folder of [runtimeFolder, "/run", "/dev/shm"]) {
    if (folder !== undefined && folder !== "" && (await isWritable(folder))) return folder;
  }
  return tmpdir();
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
