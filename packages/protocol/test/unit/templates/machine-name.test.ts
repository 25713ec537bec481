import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { machineName, machineNamePrefix } from "../../../src/templates/machine-name.ts";

const EK = "ab".repeat(32);

describe("machineNamePrefix", () => {
  const data = { level1A: { level2A: "level2AValue", level2B: { level3A: "level3AValue" } }, level1B: "level1BValue" };

  // Origin of the rows with placeholders that are empty or not closed: rancher/os2 pkg/server/register_test.go.
  // The others follow from the rule that they show.
  it.each([
    ["${level1B", "m-level1b"],
    ["${level1B}", "level1bvalue"],
    ["${level1A/level2B/level3A}", "level3avalue"],
    ["${level1A/level2A}", "level2avalue"],
    ["a${level1B}c", "alevel1bvaluec"],
    ["a${level1B", "a-level1b"],
    ["a${}", "a"],
    ["${}", "m"],
    ["${", "m-"],
    ["a${", "a-"],
    ["a${level1A/level2C}c", "ac"],
    ["a${level1A}c", "ac"],
  ])("turns %s into %s", (template, prefix) => {
    expect(machineNamePrefix(template, data)).toBe(prefix);
  });

  it("takes manufacturer, product and serial number where the registration says nothing", () => {
    const smbios = {
      "System Information": { Manufacturer: "Dell Inc.", "Product Name": "R640", "Serial Number": "7X9" },
    };
    expect(machineNamePrefix(undefined, smbios)).toBe("m-dell-inc-r640-7x9-");
    expect(machineNamePrefix("", smbios)).toBe("m-dell-inc-r640-7x9-");
    expect(machineNamePrefix(undefined, undefined)).toBe("m-");
  });

  it("finds nothing on the prototypes of objects", () => {
    expect(machineNamePrefix("x-${constructor/name}-${__proto__/a}-${toString}", {})).toBe("x-");
  });

  it("always begins a valid name, whatever the template and the SMBIOS are", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.dictionary(fc.string(), fc.dictionary(fc.string(), fc.string())),
        (template, smbios) => {
          const prefix = machineNamePrefix(template, smbios);
          expect(prefix).toMatch(/^[a-z][a-z0-9-]{0,57}$/);
          expect(machineName(prefix, EK, 0)).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])$/);
        },
      ),
    );
  });
});

describe("machineName", () => {
  it("gives one machine one name, and another machine another", () => {
    expect(machineName("m-", EK, 0)).toBe(machineName("m-", EK, 0));
    expect(machineName("m-", EK, 0)).not.toBe(machineName("m-", "cd".repeat(32), 0));
    expect(machineName("m-", EK, 1)).not.toBe(machineName("m-", EK, 0));
  });

  it("spreads machines over the names: of 2,000 few meet", () => {
    const names = new Set(Array.from({ length: 2_000 }, (_, index) => machineName("m-", index.toString(16), 0)));
    expect(names.size).toBeGreaterThan(1_995);
  });
});
