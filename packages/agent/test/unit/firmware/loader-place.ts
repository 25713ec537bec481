/** Where the boot loader of a machine in tests lies. */
import type { LoaderPlace } from "../../../src/firmware/load-option.ts";

export const LOADER_PLACE: LoaderPlace = {
  partitionNumber: 2,
  startSectors: 4096,
  sizeSectors: 614_400,
  partitionId: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  fileName: "BOOTX64.EFI",
};
