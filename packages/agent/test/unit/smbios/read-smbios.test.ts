import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readSmbios } from "../../../src/smbios/index.ts";
import seabios from "./testdata/seabios-smbios-3.0.json" with { type: "json" };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "smbios-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function put(name: string, bytes: Uint8Array): void {
  writeFileSync(path.join(folder, name), bytes);
}

const ENTRY_POINT = Buffer.from(seabios.entryPoint, "base64");
const TABLE = Buffer.from(seabios.table, "base64");

describe("a folder of tables", () => {
  it("is read and decoded", async () => {
    put("smbios_entry_point", ENTRY_POINT);
    put("DMI", TABLE);
    const { smbios, version, fault } = await readSmbios({ folder });
    expect(fault).toBeUndefined();
    expect(version).toEqual({ major: 3, minor: 0, revision: 0 });
    expect(smbios["System Information"]).toMatchObject({ Manufacturer: "Acme", "Serial Number": "SN-0001" });
  });

  it("that does not exist is SMBIOS_ABSENT, with its name", async () => {
    const file = path.join(folder, "nowhere", "smbios_entry_point");
    await expect(readSmbios({ folder: path.join(folder, "nowhere") })).rejects.toMatchObject({
      code: "SMBIOS_ABSENT",
      failure: "environment",
      details: { file },
    });
  });

  it("that is a file is SMBIOS_ABSENT", async () => {
    put("tables", TABLE);
    await expect(readSmbios({ folder: path.join(folder, "tables") })).rejects.toMatchObject({ code: "SMBIOS_ABSENT" });
  });

  it("without the table is SMBIOS_ABSENT, and names the table", async () => {
    put("smbios_entry_point", ENTRY_POINT);
    await expect(readSmbios({ folder })).rejects.toMatchObject({
      code: "SMBIOS_ABSENT",
      details: { file: path.join(folder, "DMI") },
    });
  });

  it("with a folder in place of a file is SMBIOS_UNREADABLE, with the cause", async () => {
    put("smbios_entry_point", ENTRY_POINT);
    mkdirSync(path.join(folder, "DMI"));
    await expect(readSmbios({ folder })).rejects.toMatchObject({
      code: "SMBIOS_UNREADABLE",
      details: { file: path.join(folder, "DMI") },
      cause: { code: "EISDIR" },
    });
  });

  it("with a link in a circle is SMBIOS_UNREADABLE", async () => {
    symlinkSync("DMI", path.join(folder, "DMI"));
    put("smbios_entry_point", ENTRY_POINT);
    await expect(readSmbios({ folder })).rejects.toMatchObject({ code: "SMBIOS_UNREADABLE" });
  });

  it.each([
    { name: "smbios_entry_point", limitBytes: 4 * 1024 },
    { name: "DMI", limitBytes: 2 * 1024 * 1024 },
  ])("with a $name over its limit is SMBIOS_TOO_LARGE, at the limit it is not", async ({ name, limitBytes }) => {
    put("smbios_entry_point", ENTRY_POINT);
    put("DMI", TABLE);
    const original = name === "DMI" ? TABLE : ENTRY_POINT;
    put(name, Buffer.concat([original, Buffer.alloc(limitBytes - original.length)]));
    await expect(readSmbios({ folder })).resolves.toMatchObject({ fault: undefined });
    put(name, Buffer.concat([original, Buffer.alloc(limitBytes - original.length + 1)]));
    await expect(readSmbios({ folder })).rejects.toMatchObject({
      code: "SMBIOS_TOO_LARGE",
      failure: "nonsense",
      details: { file: path.join(folder, name), limitBytes },
    });
  });

  it("that links to an endless file is SMBIOS_TOO_LARGE, not out of memory", async () => {
    put("smbios_entry_point", ENTRY_POINT);
    symlinkSync("/dev/zero", path.join(folder, "DMI"));
    await expect(readSmbios({ folder })).rejects.toMatchObject({ code: "SMBIOS_TOO_LARGE" });
  });

  it("with an empty entry point is SMBIOS_ENTRY_POINT", async () => {
    put("smbios_entry_point", Buffer.alloc(0));
    put("DMI", TABLE);
    await expect(readSmbios({ folder })).rejects.toMatchObject({ code: "SMBIOS_ENTRY_POINT" });
  });
});
