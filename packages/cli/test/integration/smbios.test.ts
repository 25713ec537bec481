/** `ros-agent smbios` with captured tables. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { writeSystemTables } from "../../../../test/smbios/system-tables.ts";
import { errorOf, rosAgent } from "./ros-agent.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "smbios-"));
  writeSystemTables(folder, {
    manufacturer: "Test Inc.",
    productName: "Model T",
    serialNumber: "S1",
    uuidHex: "00112233445566778899aabbccddeeff",
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("smbios", () => {
  it("prints the tables in dmidecode's look", async () => {
    const { code, stdout, stderr } = await rosAgent(["smbios", "--dump", folder]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^System Information\n\tManufacturer: Test Inc\.\n\tProduct Name: Model T\n/);
    expect(stdout).toContain("\tSerial Number: S1\n");
  });

  it("prints the tree that is reported with --json", async () => {
    const { stdout } = await rosAgent(["smbios", "--json", "--dump", folder]);
    expect(JSON.parse(stdout)).toMatchObject({
      "System Information": { Manufacturer: "Test Inc.", "Product Name": "Model T", "Serial Number": "S1" },
    });
  });

  it("says that there are none, or that they are broken", async () => {
    const missing = await rosAgent(["smbios", "--json", "--dump", join(folder, "missing")]);
    expect(missing.code).toBe(8);
    expect(errorOf(missing)["code"]).toBe("SMBIOS_ABSENT");
    const broken = await mkdtemp(join(folder, "broken-"));
    await writeFile(join(broken, "smbios_entry_point"), "nonsense");
    await writeFile(join(broken, "DMI"), "nonsense");
    const outcome = await rosAgent(["smbios", "--json", "--dump", broken]);
    expect(outcome.code).toBe(7);
    expect(errorOf(outcome)["code"]).toBe("SMBIOS_ENTRY_POINT");
  });
});
