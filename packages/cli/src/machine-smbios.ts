/** Reads the SMBIOS of this machine, or of the one whose tables were captured. */
import { isSmbiosLost, readSmbios, type Smbios } from "@rancheros/agent/smbios";

/**
 * @param folder   captured tables; undefined for those of this machine
 * @param onRemark told of damage that does not keep from reading the rest
 * @throws SmbiosError
 */
export async function machineSmbios(
  folder: string | undefined,
  onRemark: (text: string) => void,
  read: typeof readSmbios = readSmbios,
): Promise<Smbios> {
  const { smbios, fault } = await read(folder === undefined ? {} : { folder });
  if (fault !== undefined) onRemark(`Warning: ${fault.message}. What stands before it was read.`);
  return smbios;
}

/**
 * @returns undefined where the machine has no SMBIOS, as many boards have none, or one that cannot be used
 * @throws SmbiosError
 */
export async function machineSmbiosIfAny(
  folder: string | undefined,
  onRemark: (text: string) => void,
  read: typeof readSmbios = readSmbios,
): Promise<Smbios | undefined> {
  try {
    return await machineSmbios(folder, onRemark, read);
  } catch (error) {
    // A folder that was named is meant to hold something.
    if (folder !== undefined || !isSmbiosLost(error)) throw error;
    onRemark(`Warning: ${error.message}: the operator gets no SMBIOS of this machine.`);
    return undefined;
  }
}
