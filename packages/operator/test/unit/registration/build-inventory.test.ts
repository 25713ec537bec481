import { describe, expect, it } from "vitest";
import { buildInventory } from "../../../src/registration/build-inventory.ts";

const smbios = { "System Information": { Manufacturer: "Dell Inc.", "Serial Number": "7 X9" } };
const machine = { ekHash: "ab".repeat(32), smbios };

describe("buildInventory", () => {
  it("fills templates, sanitises label values, and leaves out what is empty", () => {
    const registration = {
      name: "edge",
      namespace: "fleet-default",
      spec: {
        machineName: "node-${System Information/Serial Number}-",
        machineInventoryLabels: { vendor: "${System Information/Manufacturer}", none: "x-${No/Such}", site: "fra" },
        machineInventoryAnnotations: { serial: "${System Information/Serial Number}" },
      },
    };
    const made = buildInventory(registration, machine, 0);
    expect(made.metadata.name).toMatch(/^node-7-x9-[a-z0-9]{5}$/);
    expect(made.metadata.namespace).toBe("fleet-default");
    expect(made.metadata.labels).toEqual({
      vendor: "Dell-Inc",
      site: "fra",
      "rancheros.cattle.io/machine-registration": "edge",
    });
    expect(made.metadata.annotations).toEqual({ serial: "7 X9" });
    expect(made.spec).toEqual({ tpm: machine.ekHash, smbios });
  });

  it("writes a label or an annotation without a value as an empty one, as the original did", () => {
    const spec = { machineInventoryLabels: { edge: null }, machineInventoryAnnotations: { note: null } };
    const { metadata } = buildInventory({ name: "r", namespace: "n", spec }, machine, 0);
    expect(metadata.labels).toEqual({ edge: "", "rancheros.cattle.io/machine-registration": "r" });
    expect(metadata.annotations).toEqual({ note: "" });
  });

  it("does not let the registration's labels say which registration it was", () => {
    const labels = { "rancheros.cattle.io/machine-registration": "other" };
    const made = buildInventory({ name: "edge", namespace: "n", spec: { machineInventoryLabels: labels } }, machine, 0);
    expect(made.metadata.labels).toEqual({ "rancheros.cattle.io/machine-registration": "edge" });
  });

  it("leaves out a registration's name that no label value can hold", () => {
    const made = buildInventory({ name: "x".repeat(64), namespace: "n", spec: {} }, machine, 0);
    expect(made.metadata.labels).toEqual({});
  });

  it("writes no SMBIOS where the machine sent none", () => {
    const made = buildInventory({ name: "a", namespace: "n", spec: {} }, { ekHash: "ff", smbios: undefined }, 0);
    expect(made.spec).toEqual({ tpm: "ff" });
  });
});
