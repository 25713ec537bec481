/** The names of the two slots and of the partitions beside them. Source: docs/decisions/0015-slots.md */

export type SlotName = "a" | "b";

/** PARTLABEL and label of the file system. */
export const PARTITIONS = {
  bios: "ROS_BIOS",
  esp: "ROS_ESP",
  oem: "ROS_OEM",
  a: "ROS_SLOT_A",
  b: "ROS_SLOT_B",
  state: "ROS_STATE",
} as const;

export function otherSlotName(slot: SlotName): SlotName {
  return slot === "a" ? "b" : "a";
}

export function isSlotName(text: unknown): text is SlotName {
  return text === "a" || text === "b";
}
