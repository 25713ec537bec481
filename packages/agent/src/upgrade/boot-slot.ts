/** Which of its operating systems a machine has started. */
import { startedSlot } from "../slots/index.ts";

/** `a` and `b` are of our own installation, the others cOS' and Elemental's. `unknown`: it has no slots, or none that this program knows. */
export type BootSlot = "a" | "b" | "active" | "passive" | "recovery" | "unknown";

export interface BootTraces {
  /** /proc/cmdline */
  readonly commandLine: string;
  /** Names of the files in /run/cos and /run/elemental. */
  readonly modeFiles: readonly string[];
}

/** Source: cOS toolkit, bootargs.cfg (label and image of the slot on the command line), cos-setup's /run/cos/*_mode */
const LABELS: readonly (readonly [pattern: RegExp, slot: BootSlot])[] = [
  [/(^|[\s=/])(COS_RECOVERY|COS_SYSTEM|recovery\.(img|squashfs))(\s|$)|elemental\.mode=recovery/, "recovery"],
  [/(^|[\s=/])(COS_PASSIVE|passive\.img)(\s|$)|elemental\.mode=passive/, "passive"],
  [/(^|[\s=/])(COS_ACTIVE|active\.img)(\s|$)|elemental\.mode=active/, "active"],
];

const MODES: readonly (readonly [file: string, slot: BootSlot])[] = [
  ["recovery_mode", "recovery"],
  ["passive_mode", "passive"],
  ["active_mode", "active"],
];

/** Of the other systems' traces the mode files win: they are made by what has looked at what is mounted. */
export function bootSlotOf({ commandLine, modeFiles }: BootTraces): BootSlot {
  const ours = startedSlot(commandLine);
  if (ours !== undefined) return ours.slot;
  const byFile = MODES.find(([file]) => modeFiles.includes(file));
  if (byFile !== undefined) return byFile[1];
  return LABELS.find(([pattern]) => pattern.test(commandLine))?.[1] ?? "unknown";
}
