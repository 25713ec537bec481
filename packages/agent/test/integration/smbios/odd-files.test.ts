import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readSmbios } from "../../../src/smbios/index.ts";
import { writeEntryPoint2 } from "../../unit/smbios/table-writer.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "smbios-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("a pipe that nobody writes into", () => {
  it("in place of the entry point is refused at once, not waited for", async () => {
    execFileSync("mkfifo", [path.join(folder, "smbios_entry_point")]);
    writeFileSync(path.join(folder, "DMI"), "");
    await expect(readSmbios({ folder })).rejects.toMatchObject({ code: "SMBIOS_ENTRY_POINT" });
  });

  it("in place of the table is an empty table, which holds less than announced", async () => {
    writeFileSync(path.join(folder, "smbios_entry_point"), writeEntryPoint2(100, 3));
    execFileSync("mkfifo", [path.join(folder, "DMI")]);
    const { smbios, fault } = await readSmbios({ folder });
    expect(smbios).toEqual({});
    expect(fault).toMatchObject({ code: "SMBIOS_TRUNCATED", details: { announced: 3, found: 0 } });
  });
});
