/** The partition table as sfdisk reads it back. Source: sfdisk(8) --json */
import type { DiskLayout, PartitionRole } from "./disk-layout.ts";
import { InstallError } from "./errors.ts";
import { isMap } from "./settings-fields.ts";

export interface MadePartition {
  readonly role: PartitionRole;
  /** Such as /dev/vda4. */
  readonly node: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

export interface PartitionTable {
  readonly partitions: readonly MadePartition[];
}

/** @throws InstallError INSTALL_PARTITIONS_MISSING where it is not what was asked for */
export function parseTable(json: string, layout: DiskLayout): PartitionTable {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new InstallError("INSTALL_PARTITIONS_MISSING", "sfdisk answers nonsense", { cause });
  }
  const table = isMap(value) && isMap(value["partitiontable"]) ? value["partitiontable"] : {};
  const sectorBytes = Number(table["sectorsize"] ?? 512);
  const rows: readonly unknown[] = Array.isArray(table["partitions"]) ? table["partitions"] : [];
  const partitions = layout.partitions.map(({ role, name, sizeBytes }) => {
    const row = rows.find((one) => isMap(one) && one["name"] === name);
    const fields = isMap(row) ? row : {};
    const { node } = fields;
    const made = Number(fields["size"]) * sectorBytes;
    const startBytes = Number(fields["start"]) * sectorBytes;
    if (typeof node !== "string" || !(made >= sizeBytes) || !(startBytes > 0)) {
      throw new InstallError("INSTALL_PARTITIONS_MISSING", `the partition ${name} was not made as it was asked for`);
    }
    return { role, node, startBytes, sizeBytes: made };
  });
  return { partitions };
}
