/** GRUB's menu: which slot starts. Written once, at the installation; what changes later are the words beside it. */
import type { SlotName } from "./slot.ts";

export const GRUB_FOLDER = "grub";

/** A partition, as GRUB and as the kernel name it. */
export interface SlotPlace {
  /** In the partition table, from 1. */
  readonly number: number;
  /** PARTUUID */
  readonly id: string;
}

export interface GrubConfigOptions {
  /** Of the serial console, where there is one. */
  readonly serial: { readonly unit: number; readonly speed: number } | undefined;
  /** For who wants to choose. */
  readonly timeoutSeconds: number;
  readonly slots: Readonly<Record<SlotName, SlotPlace>>;
}

/**
 * Everything that GRUB decides: `try` starts once, and only after the disk knows that it was tried; a slot whose kernel
 * cannot be loaded gives way to the good one, and that to the other. Nothing waits for a key.
 */
export function grubConfig({ serial, timeoutSeconds, slots }: GrubConfigOptions): string {
  const console =
    serial === undefined
      ? ""
      : `if serial --unit=${serial.unit} --speed=${serial.speed}; then
  terminal_input console serial
  terminal_output console serial
fi
`;
  return `# Written by ros-agent install: docs/decisions/0015-slots.md says what it does.
${console}set timeout=${timeoutSeconds}
set timeout_style=hidden
set good=a
set try=
set extra=
set reset=
load_env

# The disk that this file lies on, and no other: an older installation on a second disk has partitions of the same names.
set disk=
regexp --set=1:disk '^(.*),gpt[0-9]+$' "$root"

# Arguments: number and PARTUUID of the slot, its name, further words.
function start {
  set slotroot="$disk,gpt$1"
  if linux ($slotroot)/boot/vmlinuz root=PARTUUID=$2 ro rancheros.slot=$3 panic=10 init=/usr/lib/rancheros/init $extra $4 $5; then
    if initrd ($slotroot)/boot/initrd.img; then
      boot
    fi
  fi
  echo "slot $3 cannot be started"
}

function start_a { start ${slots.a.number} ${slots.a.id} a "$1" "$2"; }
function start_b { start ${slots.b.number} ${slots.b.id} b "$1" "$2"; }

set wipe=
if [ "$reset" = "1" ]; then
  set wipe="rancheros.reset=1"
fi

set once=
if [ -n "$try" ]; then
  set once="$try"
  set try=
  # A disk that does not take it would start the same trial for ever.
  if save_env try; then
    true
  else
    set once=
  fi
fi

menuentry "the slot that is to start" --id default {
  if [ "$once" = "a" ]; then start_a rancheros.trial=1; fi
  if [ "$once" = "b" ]; then start_b rancheros.trial=1; fi
  if [ "$good" = "b" ]; then
    start_b $wipe
    start_a $wipe
  else
    start_a $wipe
    start_b $wipe
  fi
  echo "neither slot can be started; trying again in 30 s"
  sleep 30
  reboot
}

${entry("a")}
${entry("b")}
`;
}

function entry(slot: SlotName): string {
  return `menuentry "slot ${slot}" --id slot-${slot} {\n  start_${slot}\n}\n`;
}
