/** One device of lsblk's JSON, field by field. Source: lsblk(8) --json */
import { InstallError } from "./errors.ts";
import { isMap } from "./settings-fields.ts";

export type DeviceFields = Readonly<Record<string, unknown>>;

/** @throws InstallError INSTALL_NO_DISK for an answer that makes no sense */
export function devicesIn(json: string): readonly DeviceFields[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new InstallError("INSTALL_NO_DISK", "lsblk answers nonsense", { cause });
  }
  const devices = isMap(value) ? value["blockdevices"] : undefined;
  if (!Array.isArray(devices)) throw new InstallError("INSTALL_NO_DISK", "lsblk answers nonsense");
  return devices.filter(isMap);
}

export function childrenOf(fields: DeviceFields): readonly DeviceFields[] {
  const children = fields["children"];
  return Array.isArray(children) ? children.filter(isMap) : [];
}

export function text(fields: DeviceFields, key: string): string {
  const value = fields[key];
  return typeof value === "string" ? value.trim() : "";
}
