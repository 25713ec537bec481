/** Names of memory devices' forms, types and technologies as dmidecode 3.4 prints them. */

import type { Names } from "../names.ts";

/** DSP0134 7.18.1, memory device, form factor. */
export const MEMORY_FORM_FACTORS: Names = {
  0x1: [
    "Other",
    "Unknown",
    "SIMM",
    "SIP",
    "Chip",
    "DIP",
    "ZIP",
    "Proprietary Card",
    "DIMM",
    "TSOP",
    "Row Of Chips",
    "RIMM",
    "SODIMM",
    "SRIMM",
    "FB-DIMM",
    "Die",
  ],
};

/** DSP0134 7.18.2, memory device, type. */
export const MEMORY_TYPES: Names = {
  0x1: [
    "Other",
    "Unknown",
    "DRAM",
    "EDRAM",
    "VRAM",
    "SRAM",
    "RAM",
    "ROM",
    "Flash",
    "EEPROM",
    "FEPROM",
    "EPROM",
    "CDRAM",
    "3DRAM",
    "SDRAM",
    "SGRAM",
    "RDRAM",
    "DDR",
    "DDR2",
    "DDR2 FB-DIMM",
    "Reserved",
    "Reserved",
    "Reserved",
    "DDR3",
    "FBD2",
    "DDR4",
    "LPDDR",
    "LPDDR2",
    "LPDDR3",
    "LPDDR4",
    "Logical non-volatile device",
    "HBM",
    "HBM2",
    "DDR5",
    "LPDDR5",
  ],
};

/** DSP0134 7.18.6, memory device, memory technology. */
export const MEMORY_TECHNOLOGIES: Names = {
  0x1: ["Other", "Unknown", "DRAM", "NVDIMM-N", "NVDIMM-F", "NVDIMM-P", "Intel Optane DC persistent memory"],
};
