/** Type 9, system slots. Source: DMTF DSP0134 7.10; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { bitNames, nameOf } from "../names.ts";
import type { Names } from "../names.ts";
import { SLOT_TYPES } from "../names/slot-type.ts";
import { busAddress } from "../number-text.ts";
import type { SectionDraft } from "../section.ts";

/** Other and unknown widths are not printed in front of the type. */
const WIDTHS: Names = {
  1: ["", "", "8-bit ", "16-bit ", "32-bit ", "64-bit ", "128-bit "],
  8: ["x1 ", "x2 ", "x4 ", "x8 ", "x12 ", "x16 ", "x32 "],
};
const PHYSICAL_WIDTHS: Names = {
  1: ["Other", "Unknown", "8-bit", "16-bit", "32-bit", "64-bit", "128-bit"],
  8: ["x1", "x2", "x4", "x8", "x12", "x16", "x32"],
};
const USAGES: Names = { 1: ["Other", "Unknown", "Available", "In Use", "Unavailable"] };
const LENGTHS: Names = {
  1: ["Other", "Unknown", "Short", "Long", '2.5" drive form factor', '3.5" drive form factor'],
};
const HEIGHTS: Names = { 0: ["Not applicable", "Other", "Unknown", "Full height", "Low-profile"] };
const CHARACTERISTICS_UNKNOWN_BIT = 0x01;
const FIRST_CHARACTERISTIC_BIT = 1;
/** Without one of these bits dmidecode prints "None", whatever the later bits say. */
const BASIC_CHARACTERISTICS = 0x07fe;
const CHARACTERISTICS = [
  "5.0 V is provided",
  "3.3 V is provided",
  "Opening is shared",
  "PC Card-16 is supported",
  "Cardbus is supported",
  "Zoom Video is supported",
  "Modem ring resume is supported",
  "PME signal is supported",
  "Hot-plug devices are supported",
  "SMBus signal is supported",
  "PCIe slot bifurcation is supported",
  "Async/surprise removal is supported",
  "Flexbus slot, CXL 1.0 capable",
  "Flexbus slot, CXL 2.0 capable",
] as const;
const PCMCIA = 0x07;
type Range = readonly [first: number, last: number];
const PCI_EXPRESS_TYPES: readonly Range[] = [
  [0x1f, 0x23],
  [0xa5, 0xb6],
  [0xb8, 0xc4],
];
const NUMBERED_TYPES: readonly Range[] = [[0x04, 0x06], [0x0e, 0x13], ...PCI_EXPRESS_TYPES];
const PEER_BYTES = 5;

export function describeSystemSlot(fields: Fields, draft: SectionDraft): void {
  const { lengthBytes } = fields;
  if (lengthBytes < 0x0c) return;
  const type = fields.u8(0x05);
  draft.text("Designation", fields.string(0x04));
  draft.text("Type", `${slotWidth(fields.u8(0x06))}${nameOf(SLOT_TYPES, type)}`);
  draft.text("Current Usage", nameOf(USAGES, fields.u8(0x07))).text("Length", nameOf(LENGTHS, fields.u8(0x08)));
  draft.optionalText("ID", idText(type, fields.u8(0x09), fields.u8(0x0a)));
  describeCharacteristics(fields, draft);
  if (lengthBytes < 0x11) return;
  const place = [fields.u16(0x0d), fields.u8(0x0f), fields.u8(0x10)] as const;
  if (place[0] !== 0xffff || place[1] !== 0xff || place[2] !== 0xff) draft.text("Bus Address", busAddress(...place));
  if (lengthBytes < 0x13) return;
  const peers = fields.u8(0x12);
  draft.text("Data Bus Width", String(fields.u8(0x11))).text("Peer Devices", String(peers));
  const end = 0x13 + peers * PEER_BYTES;
  if (lengthBytes < end) return;
  for (let peer = 0; peer < peers; peer += 1) describePeer(fields, draft, peer);
  if (lengthBytes < end + 4) return;
  describeDimensions(fields, draft, end);
}

function slotWidth(code: number): string {
  const width = nameOf(WIDTHS, code);
  return width.startsWith("<") ? `${width} ` : width;
}

/** Only some kinds of slot have a number. */
function idText(type: number, low: number, high: number): string | undefined {
  if (type === PCMCIA) return `Adapter ${low}, Socket ${high}`;
  return isWithin(NUMBERED_TYPES, type) ? String(low) : undefined;
}

function isWithin(ranges: readonly Range[], type: number): boolean {
  return ranges.some(([first, last]) => type >= first && type <= last);
}

function describeCharacteristics(fields: Fields, draft: SectionDraft): void {
  const first = fields.u8(0x0b);
  const second = fields.lengthBytes >= 0x0d ? fields.u8(0x0c) : 0;
  const bits = first | (second << 8);
  if ((first & CHARACTERISTICS_UNKNOWN_BIT) !== 0) draft.text("Characteristics", "Unknown");
  else if ((bits & BASIC_CHARACTERISTICS) === 0) draft.text("Characteristics", "None");
  else draft.list("Characteristics", bitNames(CHARACTERISTICS, bits, FIRST_CHARACTERISTIC_BIT));
}

function describePeer(fields: Fields, draft: SectionDraft, peer: number): void {
  const at = 0x13 + peer * PEER_BYTES;
  const address = busAddress(fields.u16(at), fields.u8(at + 2), fields.u8(at + 3));
  draft.text(`Peer Device ${peer + 1}`, `${address} (Width ${fields.u8(at + 4)})`);
}

function describeDimensions(fields: Fields, draft: SectionDraft, at: number): void {
  const generation = fields.u8(at);
  const width = fields.u8(at + 1);
  const pitch = fields.u16(at + 2);
  if (generation !== 0 && isWithin(PCI_EXPRESS_TYPES, fields.u8(0x05))) {
    draft.text("PCI Express Generation", String(generation));
  }
  if (width !== 0) draft.text("Slot Physical Width", nameOf(PHYSICAL_WIDTHS, width));
  if (pitch !== 0) draft.text("Pitch", `${(pitch / 100).toFixed(2)} mm`);
  if (fields.lengthBytes < at + 5) return;
  draft.text("Height", nameOf(HEIGHTS, fields.u8(at + 4)));
}
