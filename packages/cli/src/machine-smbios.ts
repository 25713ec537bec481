/** Reads the SMBIOS of this machine, or of the one whose tables were captured. */
import { SmbiosError, readSmbios, type Smbios } from "@rancheros/agent/smbios";

/**
 * @param folder   captured tables; undefined for those of this machine
 * @param onRemark told of damage that does not keep from reading the rest
 * @throws SmbiosError
 */
export async function machineSmbios(folder: string | undefined, onRemark: (text: string) => void): Promise<Smbios> {
  const { smbios, fault } = await readSmbios(folder === undefined ? {} : { folder });
  if (fault !== undefined) onRemark(`Warning: ${fault.message}. What stands before it was read.`);
  return smbios;
}

/** @returns undefined where the machine has no SMBIOS at all, as many boards have none */
export async function machineSmbiosIfAny(
  folder: string | undefined,
  onRemark: (text: string) => void,
): Promise<Smbios | undefined> {
  try {
    return await machineSmbios(folder, onRemark);
  } catch (error) {
    // A folder that was named is meant to hold something.
    if (folder !== undefined || !(error instanceof SmbiosError) || error.code !== "SMBIOS_ABSENT") throw error;
    onRemark(`Warning: ${error.message}: the operator learns nothing about the hardware.`);
    return undefined;
  }
}
