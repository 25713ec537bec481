/** A file that a setting names. */
import { readFile } from "node:fs/promises";
import { SettingsError } from "../errors.ts";
import type { Setting } from "../settings-table.ts";

/** What somebody has named, and by which setting. */
export interface GivenFile {
  readonly setting: Setting;
  readonly path: string;
}

/** @throws SettingsError  SETTINGS_FILE_UNREADABLE, which names both */
export async function readGivenFile({ setting, path }: GivenFile): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw unreadable(`--${setting.flag}`, path, cause);
  }
}

/** @returns the error of whoever could not read what `flag` names */
export function unreadable(flag: string, path: string, cause: unknown): SettingsError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SettingsError("SETTINGS_FILE_UNREADABLE", [`${flag}: ${JSON.stringify(path)} cannot be read: ${why}`], {
    cause,
  });
}
