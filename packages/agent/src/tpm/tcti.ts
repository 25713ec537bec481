/** What a TCTI (the tools' name for the address of a TPM) tells before anything is opened. */

import { TpmError } from "./errors.ts";

/** The kernel's resource manager: several programs at once, and what a program leaves is cleaned up when it ends. */
export const DEFAULT_TCTI = "device:/dev/tpmrm0";

export interface Tcti {
  /** As given, for the tools' option -T. */
  readonly text: string;
  /** The device node, if it is one. */
  readonly devicePath: string | undefined;
  /**
   * False when a resource manager (the kernel's, or tpm2-abrmd) removes a program's keys when that program ends. On any
   * other way to the TPM each tool leaves the keys that it made or loaded, and a TPM holds three.
   */
  readonly keepsObjects: boolean;
}

/** @throws TpmError TPM_TCTI_INVALID when it names no TPM at all */
export function parseTcti(text: string): Tcti {
  const [module = "", ...rest] = text.split(":");
  if (module === "" || module === "none" || text.includes("\0")) {
    throw new TpmError("TPM_TCTI_INVALID", `${JSON.stringify(text)} names no TPM`, { details: { tcti: text } });
  }
  const configuration = rest.join(":");
  const devicePath = module === "device" && configuration !== "" ? configuration : undefined;
  const isManaged = module === "tabrmd" || (devicePath !== undefined && /^\/dev\/tpmrm\d+$/.test(devicePath));
  return { text, devicePath, keepsObjects: !isManaged };
}
