/** A kernel that GRUB for BIOS starts: it says its command line on the first serial port, and ends QEMU. */

/** For QEMU: the port at which the kernel ends it. */
export const ENDING_DEVICE = ["-device", "isa-debug-exit,iobase=0xf4"] as const;

const SETUP_BYTES = 1024;
const PROGRAM = Buffer.from(
  [
    "8b9e28020000", // mov ebx, [esi + 0x228]   boot_params.hdr.cmd_line_ptr
    "8a03", //         mov al, [ebx]            next character
    "84c0", //         test al, al
    "7408", //         jz to the end
    "66baf803", //     mov dx, 0x3f8
    "ee", //           out dx, al
    "43", //           inc ebx
    "ebf2", //         jmp to the next character
    "66baf400", //     mov dx, 0xf4
    "ee", //           out dx, al
    "f4", //           hlt
    "ebfd", //         jmp to hlt
  ].join(""),
  "hex",
);

/** Source: Linux, Documentation/arch/x86/boot.rst */
export function tellingKernel(): Buffer {
  const image = Buffer.alloc(SETUP_BYTES + 4096);
  image.writeUInt8(1, 0x1f1); // sectors of set-up behind the first one
  image.writeUInt16LE(0xaa55, 0x1fe);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(0x0206, 0x206); // version of the protocol
  image.writeUInt8(1, 0x211); // loaded at 1 MiB
  image.writeUInt32LE(0x10_0000, 0x214);
  image.writeUInt32LE(0x37ff_ffff, 0x22c); // highest address of the initrd
  image.writeUInt32LE(0x1000, 0x230); // alignment
  image.writeUInt32LE(2047, 0x238); // length of the command line
  PROGRAM.copy(image, SETUP_BYTES);
  return image;
}
