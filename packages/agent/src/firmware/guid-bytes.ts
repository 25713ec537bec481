/** A GUID as UEFI writes it into bytes: its first three parts begin with their last byte. Source: UEFI specification, "EFI_GUID" */

export const GUID_BYTES = 16;
const GUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;

/** @param guid  such as C12A7328-F81F-11D2-BA4B-00A0C93EC93B. @returns undefined where it is none */
export function guidBytes(guid: string): Buffer | undefined {
  const [, ...parts] = GUID.exec(guid) ?? [];
  if (parts.length === 0) return undefined;
  return Buffer.concat(
    parts.map((hex, at) => {
      const bytes = Buffer.from(hex, "hex");
      return at < 3 ? bytes.reverse() : bytes;
    }),
  );
}
