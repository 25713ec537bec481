/** Which structure types are reported, under which titles, and by whom. */

import { Fields } from "./fields.ts";
import { SectionDraft } from "./section.ts";
import type { TitledSection } from "./section.ts";
import { additionalInformationSections } from "./sections/additional-information.ts";
import { describeBaseBoard } from "./sections/base-board.ts";
import { describeBiosLanguage } from "./sections/bios-language.ts";
import { describeBios } from "./sections/bios-information.ts";
import { describeBoot } from "./sections/boot-information.ts";
import { describeCache } from "./sections/cache.ts";
import { describeChassis } from "./sections/chassis.ts";
import { describeCoolingDevice } from "./sections/cooling-device.ts";
import { describeEventLog } from "./sections/event-log.ts";
import { describeFirmware } from "./sections/firmware-inventory.ts";
import { describeGroup } from "./sections/group-associations.ts";
import { describeIpmiDevice } from "./sections/ipmi-device.ts";
import {
  describeManagementComponent,
  describeManagementDevice,
  describeManagementThresholds,
} from "./sections/management-device.ts";
import { describeMappedArray, describeMappedDevice } from "./sections/mapped-address.ts";
import { describeMemoryArray } from "./sections/memory-array.ts";
import { describeMemoryController, describeMemoryModule } from "./sections/memory-controller.ts";
import { describeMemoryDevice } from "./sections/memory-device.ts";
import { describeMemoryError32, describeMemoryError64 } from "./sections/memory-error.ts";
import { describeConfigurationOptions, describeOemStrings } from "./sections/numbered-strings.ts";
import { describeOnboardDevice, onBoardDeviceSections } from "./sections/on-board-devices.ts";
import { describePointingDevice } from "./sections/pointing-device.ts";
import { describePortConnector } from "./sections/port-connector.ts";
import { describeBattery } from "./sections/portable-battery.ts";
import { describePowerSupply } from "./sections/power-supply.ts";
import { describeCurrentProbe, describeTemperatureProbe, describeVoltageProbe } from "./sections/probe.ts";
import { describeProcessor } from "./sections/processor.ts";
import { describeHardwareSecurity, describePowerControls, describeRemoteAccess } from "./sections/system-control.ts";
import { describeSystem } from "./sections/system-information.ts";
import { describeSystemReset } from "./sections/system-reset.ts";
import { describeSystemSlot } from "./sections/system-slot.ts";
import { describeTpmDevice } from "./sections/tpm-device.ts";
import type { Structure } from "./structures.ts";

/** Adds a structure's keys to its section; `version` is major << 8 | minor of the entry point. */
type Describe = (fields: Fields, draft: SectionDraft, version: number) => void;

/** Structures that hold several things, each under a title of its own. */
const SEVERAL_SECTIONS: Readonly<Record<number, (fields: Fields) => readonly TitledSection[]>> = {
  10: onBoardDeviceSections,
  40: additionalInformationSections,
};
const DESCRIPTIONS: Readonly<Record<number, readonly [title: string, describe: Describe]>> = {
  0: ["BIOS Information", describeBios],
  1: ["System Information", describeSystem],
  2: ["Base Board Information", describeBaseBoard],
  3: ["Chassis Information", describeChassis],
  4: ["Processor Information", describeProcessor],
  5: ["Memory Controller Information", describeMemoryController],
  6: ["Memory Module Information", describeMemoryModule],
  7: ["Cache Information", describeCache],
  8: ["Port Connector Information", describePortConnector],
  9: ["System Slot Information", describeSystemSlot],
  11: ["OEM Strings", describeOemStrings],
  12: ["System Configuration Options", describeConfigurationOptions],
  13: ["BIOS Language Information", describeBiosLanguage],
  14: ["Group Associations", describeGroup],
  15: ["System Event Log", describeEventLog],
  16: ["Physical Memory Array", describeMemoryArray],
  17: ["Memory Device", describeMemoryDevice],
  18: ["32-bit Memory Error Information", describeMemoryError32],
  19: ["Memory Array Mapped Address", describeMappedArray],
  20: ["Memory Device Mapped Address", describeMappedDevice],
  21: ["Built-in Pointing Device", describePointingDevice],
  22: ["Portable Battery", describeBattery],
  23: ["System Reset", describeSystemReset],
  24: ["Hardware Security", describeHardwareSecurity],
  25: ["System Power Controls", describePowerControls],
  26: ["Voltage Probe", describeVoltageProbe],
  27: ["Cooling Device", describeCoolingDevice],
  28: ["Temperature Probe", describeTemperatureProbe],
  29: ["Electrical Current Probe", describeCurrentProbe],
  30: ["Out-of-band Remote Access", describeRemoteAccess],
  32: ["System Boot Information", describeBoot],
  33: ["64-bit Memory Error Information", describeMemoryError64],
  34: ["Management Device", describeManagementDevice],
  35: ["Management Device Component", describeManagementComponent],
  36: ["Management Device Threshold Data", describeManagementThresholds],
  38: ["IPMI Device Information", describeIpmiDevice],
  39: ["System Power Supply", describePowerSupply],
  41: ["Onboard Device", describeOnboardDevice],
  43: ["TPM Device", describeTpmDevice],
  45: ["Firmware Inventory Information", describeFirmware],
  126: ["Inactive", () => {}],
};

/**
 * The sections of one structure in dmidecode's words; none for types that are not reported: the end marker, the
 * manufacturers' own (128 and up), 31, 37, 42, 44 and those from 46 on.
 * @param version  major << 8 | minor of the entry point
 */
export function describeStructure(structure: Structure, version: number): readonly TitledSection[] {
  const fields = new Fields(structure);
  const severalSections = SEVERAL_SECTIONS[structure.type];
  if (severalSections !== undefined) return severalSections(fields);
  const description = DESCRIPTIONS[structure.type];
  if (description === undefined) return [];
  const [title, describe] = description;
  const draft = new SectionDraft();
  describe(fields, draft, version);
  return [{ title, section: draft.section }];
}
