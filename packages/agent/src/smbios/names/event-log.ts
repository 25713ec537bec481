/** Names of the system event log's entries and formats as dmidecode 3.4 prints them. */

import type { Names } from "../names.ts";

/** DSP0134 7.16.6.1, event log types; from 0x80 on OEM-specific. */
export const EVENT_TYPES: Names = {
  0x1: [
    "Single-bit ECC memory error",
    "Multi-bit ECC memory error",
    "Parity memory error",
    "Bus timeout",
    "I/O channel block",
    "Software NMI",
    "POST memory resize",
    "POST error",
    "PCI parity error",
    "PCI system error",
    "CPU failure",
    "EISA failsafe timer timeout",
    "Correctable memory log disabled",
    "Logging disabled",
  ],
  0x10: [
    "System limit exceeded",
    "Asynchronous hardware timer expired",
    "System configuration information",
    "Hard disk information",
    "System reconfigured",
    "Uncorrectable CPU-complex error",
    "Log area reset/cleared",
    "System boot",
  ],
  0xff: ["End of log"],
};

/** DSP0134 7.16.6.2, event log variable data format types; from 0x80 on OEM-specific. */
export const EVENT_DATA_FORMATS: Names = {
  0x0: [
    "None",
    "Handle",
    "Multiple-event",
    "Multiple-event handle",
    "POST results bitmap",
    "System management",
    "Multiple-event system management",
  ],
};

/** DSP0134 7.16, access method; from 0x80 on OEM-specific. */
export const EVENT_ACCESS_METHODS: Names = {
  0x0: [
    "Indexed I/O, one 8-bit index port, one 8-bit data port",
    "Indexed I/O, two 8-bit index ports, one 8-bit data port",
    "Indexed I/O, one 16-bit index port, one 8-bit data port",
    "Memory-mapped physical 32-bit address",
    "General-purpose non-volatile data functions",
  ],
};
