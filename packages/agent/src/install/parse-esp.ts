/** Where the partition of a disk lies that UEFI starts from. Source: sfdisk(8) --json */
import type { LoaderPlace } from "../firmware/index.ts";
import { PARTITIONS } from "../slots/index.ts";
import { isMap } from "./settings-fields.ts";

/**
 * @param json  of `sfdisk --json DISK`
 * @returns undefined where there is none, or something of it is not told
 */
export function parseEsp(json: string, disk: string): Omit<LoaderPlace, "fileName"> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const table = isMap(value) && isMap(value["partitiontable"]) ? value["partitiontable"] : {};
  const rows: readonly unknown[] = Array.isArray(table["partitions"]) ? table["partitions"] : [];
  const row = rows.find((one) => isMap(one) && one["name"] === PARTITIONS.esp);
  if (!isMap(row)) return undefined;
  const { node, start, size, uuid } = row;
  if (typeof node !== "string" || typeof uuid !== "string" || !node.startsWith(disk)) return undefined;
  const partitionNumber = Number(/^p?(\d+)$/.exec(node.slice(disk.length))?.[1]);
  const [startSectors, sizeSectors] = [Number(start), Number(size)];
  const isKnown = [partitionNumber, startSectors, sizeSectors].every(
    (count) => Number.isSafeInteger(count) && count > 0,
  );
  return isKnown ? { partitionNumber, startSectors, sizeSectors, partitionId: uuid } : undefined;
}
