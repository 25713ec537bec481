/** The two files in which the kernel hands out the SMBIOS tables. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import type { SmbiosTables } from "../decode-smbios.ts";
import { SmbiosError, type SmbiosErrorCode } from "../errors.ts";

/** Where Linux has them; only root may read the table. */
export const DMI_TABLES_FOLDER = "/sys/firmware/dmi/tables";

const ENTRY_POINT_LIMIT_BYTES = 4 * 1024;
/** Large servers have some 20 KiB; the 16-bit length of SMBIOS 2 ends at 64 KiB. */
const TABLE_LIMIT_BYTES = 2 * 1024 * 1024;

const CODES: Readonly<Record<string, SmbiosErrorCode>> = {
  ENOENT: "SMBIOS_ABSENT",
  ENOTDIR: "SMBIOS_ABSENT",
  EACCES: "SMBIOS_DENIED",
  EPERM: "SMBIOS_DENIED",
};

function unreadable(file: string, cause: unknown): SmbiosError {
  if (cause instanceof SmbiosError) return cause;
  const system = systemCode(cause);
  const code = CODES[system] ?? "SMBIOS_UNREADABLE";
  const why =
    code === "SMBIOS_ABSENT" ? "does not exist" : code === "SMBIOS_DENIED" ? "may not be read" : "cannot be read";
  return new SmbiosError(code, `${file} ${why}`, { cause, details: { file } });
}

/** Reads a file up to a limit; sysfs does not tell sizes that one could rely on. */
async function readBounded(file: string, limitBytes: number): Promise<Buffer> {
  try {
    // A pipe without a writer would never open otherwise.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const chunks: Buffer[] = [];
      let total = 0;
      for (;;) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
        if (bytesRead === 0) return Buffer.concat(chunks);
        total += bytesRead;
        if (total > limitBytes) {
          throw new SmbiosError("SMBIOS_TOO_LARGE", `${file} has more than ${limitBytes} bytes`, {
            details: { file, limitBytes },
          });
        }
        chunks.push(buffer.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/**
 * @param folder  holds `smbios_entry_point` and `DMI`
 * @throws SmbiosError  SMBIOS_ABSENT, SMBIOS_DENIED, SMBIOS_UNREADABLE, SMBIOS_TOO_LARGE
 */
export async function readDmiTables(folder: string): Promise<SmbiosTables> {
  const entryPoint = await readBounded(path.join(folder, "smbios_entry_point"), ENTRY_POINT_LIMIT_BYTES);
  const table = await readBounded(path.join(folder, "DMI"), TABLE_LIMIT_BYTES);
  return { entryPoint, table };
}
