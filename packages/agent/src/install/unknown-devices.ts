/** Devices of which lsblk knows no file system: without udev, or before it has looked, that is all of them. */
import { childrenOf, devicesIn, text, type DeviceFields } from "./device-fields.ts";

/** @returns their paths, where there is something to look at. @throws InstallError INSTALL_NO_DISK */
export function unknownDevices(lsblk: string): readonly string[] {
  const unknownIn = (fields: DeviceFields): readonly string[] => {
    const path = text(fields, "path");
    const isUnknown = text(fields, "fstype") === "" && path !== "" && Number(fields["size"]) > 0;
    return [...(isUnknown ? [path] : []), ...childrenOf(fields).flatMap(unknownIn)];
  };
  return devicesIn(lsblk).flatMap(unknownIn);
}
