/** The name of a MachineInventory: a readable part from the registration's template, and a part that only its TPM decides. */
import { createHash } from "node:crypto";
import { fillTemplate } from "./template.ts";

export const DEFAULT_MACHINE_NAME =
  "m-${System Information/Manufacturer}-${System Information/Product Name}-${System Information/Serial Number}-";

const PREFIX_LIMIT = 58;
/** Kubernetes' own alphabet for generated names: no vowels, no look-alikes. */
const SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

/**
 * The readable part: filled template, made into the beginning of a DNS label.
 * @param smbios  SMBIOS as the machine sent it
 * @returns       at most 58 lower-case characters that begin with a letter
 * Source: rancher/os2 pkg/server/register.go buildName, vectors in register_test.go
 */
export function machineNamePrefix(template: string | undefined, smbios: unknown): string {
  const filled = fillTemplate(template === undefined || template === "" ? DEFAULT_MACHINE_NAME : template, smbios).text;
  const dashed = filled.replaceAll(/[^0-9A-Za-z]+/g, "-");
  const named = /^[A-Za-z]/.test(dashed) ? dashed : `m${dashed}`;
  return named.slice(0, PREFIX_LIMIT).toLowerCase();
}

/**
 * The whole name. The original put five random characters behind the readable part; ours come from the TPM, so that two
 * requests of one machine, on whatever replica, ask for the same object and the API server lets only one of them make it.
 * @param ekHash   hash of the endorsement key, 64 hex digits
 * @param attempt  0 at first; the next number when the name is taken by another machine
 */
export function machineName(prefix: string, ekHash: string, attempt: number): string {
  const digest = createHash("sha256").update(`${ekHash}/${attempt}`).digest();
  let number = digest.readUIntBE(0, 6);
  let suffix = "";
  for (let index = 0; index < SUFFIX_LENGTH; index += 1) {
    suffix += SUFFIX_ALPHABET.charAt(number % SUFFIX_ALPHABET.length);
    number = Math.floor(number / SUFFIX_ALPHABET.length);
  }
  return prefix + suffix;
}
