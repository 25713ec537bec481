/** SMBIOS of an invented two-socket server in the shape that ros-agent sends: what one inventory weighs. */
import type { SmbiosTree } from "@rancheros/protocol/messages";

export interface SmbiosSize {
  /** 4 give 7 KB of JSON, 16 give 13 KB, 24 give 17 KB, which is about what the request headers can hold. */
  readonly memoryModules: number;
}

/** @param serial  tells machines apart, as on real boards */
export function sampleSmbios(serial: string, size: SmbiosSize): SmbiosTree {
  const processors = ["P0", "P1"].map((socket) => processor(socket));
  const caches = ["L1", "L2", "L3"].flatMap((level) => ["P0", "P1"].map((socket) => cache(socket, level)));
  const modules = Array.from({ length: size.memoryModules }, (_, slot) => memoryModule(serial, slot));
  return {
    "BIOS Information": {
      Vendor: "American Megatrends International, LLC.",
      Version: "2.17.4",
      "Release Date": "03/12/2025",
      Address: "0xF0000",
      "Runtime Size": "64 kB",
      "ROM Size": "32 MB",
      Characteristics: [
        "PCI is supported",
        "BIOS is upgradeable",
        "BIOS shadowing is allowed",
        "Boot from CD is supported",
        "Selectable boot is supported",
        "ACPI is supported",
        "UEFI is supported",
      ],
      "BIOS Revision": "5.22",
      "Firmware Revision": "13.5",
    },
    "System Information": {
      Manufacturer: "Example Systems",
      "Product Name": "ES-2024R",
      Version: "1.0",
      "Serial Number": serial,
      UUID: `4c4c4544-0034-5210-8053-${serial.padStart(12, "0").toLowerCase()}`,
      "Wake-up Type": "Power Switch",
      "SKU Number": "091715D9",
      Family: "Rack",
    },
    "Base Board Information": {
      Manufacturer: "Example Systems",
      "Product Name": "MB-2024",
      Version: "A02",
      "Serial Number": `B${serial}`,
      "Asset Tag": "Not Specified",
      Features: ["Board is a hosting board", "Board is replaceable"],
      "Location In Chassis": "Not Specified",
      Type: "Motherboard",
    },
    "Chassis Information": {
      Manufacturer: "Example Systems",
      Type: "Rack Mount Chassis",
      Lock: "Not Present",
      "Serial Number": `C${serial}`,
      "Boot-up State": "Safe",
      "Power Supply State": "Safe",
      "Thermal State": "Safe",
      "Security Status": "None",
      Height: "2 U",
      "Number Of Power Cords": "2",
    },
    ...severalOf("Processor Information", processors),
    ...severalOf("Cache Information", caches),
    "Physical Memory Array": {
      Location: "System Board Or Motherboard",
      Use: "System Memory",
      "Error Correction Type": "Multi-bit ECC",
      "Maximum Capacity": "4 TB",
      "Error Information Handle": "Not Provided",
      "Number Of Devices": String(size.memoryModules),
    },
    ...severalOf("Memory Device", modules),
    "TPM Device": { "Vendor ID": "IFX", "Specification Version": "2.0", "Firmware Revision": "7.85" },
    "System Boot Information": { Status: "No errors detected" },
  };
}

/** The first under the plain title, all of them under the title with brackets. */
function severalOf(title: string, sections: readonly SmbiosTree[]): SmbiosTree {
  return { [title]: sections[0] ?? {}, [`${title}[]`]: sections };
}

function processor(socket: string): SmbiosTree {
  return {
    "Socket Designation": socket,
    Type: "Central Processor",
    Family: "Zen",
    Manufacturer: "Advanced Micro Devices, Inc.",
    ID: "11 0F A1 00 FF FB 8B 17",
    Signature: "Family 25, Model 17, Stepping 1",
    Version: "AMD EPYC 9354 32-Core Processor",
    Voltage: "1.1 V",
    "External Clock": "100 MHz",
    "Max Speed": "3800 MHz",
    "Current Speed": "3250 MHz",
    Status: "Populated, Enabled",
    Upgrade: "Socket SP5",
    "Core Count": "32",
    "Core Enabled": "32",
    "Thread Count": "64",
    Characteristics: ["64-bit capable", "Multi-Core", "Hardware Thread", "Execute Protection"],
  };
}

function cache(socket: string, level: string): SmbiosTree {
  return {
    "Socket Designation": `${socket} - ${level} Cache`,
    Configuration: `Enabled, Not Socketed, Level ${level.slice(1)}`,
    "Operational Mode": "Write Back",
    Location: "Internal",
    "Installed Size": "2 MB",
    "Maximum Size": "2 MB",
    "System Type": "Unified",
    Associativity: "8-way Set-associative",
  };
}

function memoryModule(serial: string, slot: number): SmbiosTree {
  return {
    "Array Handle": "0x0024",
    "Error Information Handle": "0x002B",
    "Total Width": "80 bits",
    "Data Width": "64 bits",
    Size: "64 GB",
    "Form Factor": "DIMM",
    Set: "None",
    Locator: `DIMM ${slot}`,
    "Bank Locator": `P${slot % 2} CHANNEL ${slot}`,
    Type: "DDR5",
    "Type Detail": "Synchronous Registered (Buffered)",
    Speed: "4800 MT/s",
    Manufacturer: "Samsung",
    "Serial Number": `${serial}${slot.toString(16).padStart(2, "0").toUpperCase()}`,
    "Part Number": "M321R8GA0BB0-CQKZJ",
    Rank: "2",
    "Configured Memory Speed": "4800 MT/s",
    "Configured Voltage": "1.1 V",
  };
}
