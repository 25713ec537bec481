/** QEMU's command line for a machine without KVM that has what a server has: TPM, SMBIOS, disk, network card, watchdog. */

export interface SystemValues {
  readonly manufacturer: string;
  readonly product: string;
  readonly serial: string;
  readonly uuid: string;
}

export interface MachineParts {
  readonly system: SystemValues;
  readonly firmware: "bios" | "uefi";
  readonly memoryMegabytes: number;
  readonly disk: string;
  /** How many bytes the disk calls its best length of a transfer, as RAID controllers and LUNs do; undefined: it names none. */
  readonly diskStripeBytes: number | undefined;
  readonly tpmSocket: string;
  readonly portSocket: string;
  readonly serialLog: string;
  /** Where somebody types; what is said goes into the log also when nobody is there. */
  readonly serialSocket: string;
  /** Written by the firmware; with UEFI only. */
  readonly uefiVariables: string;
  /** What the DHCP server tells who boots from the network. */
  readonly bootFile: string | undefined;
  readonly cdrom: string | undefined;
  /** As firmware does that has forgotten its order. */
  readonly isCdromFirst: boolean;
  /** As of fleets that are installed anew over the network. */
  readonly isNetworkFirst: boolean;
  /** Ports of the guest, by the port of this host's loopback that leads to each. */
  readonly forwards: ReadonlyMap<number, number>;
}

/** Debian's place, package ovmf. */
export const OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd";
export const OVMF_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/** A comma in a value ends it, two stand for one. */
function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}

/** The disk comes first, where nothing else is said: one with nothing on it leads on to the CD, and that to the network. */
export function qemuArguments(parts: MachineParts): readonly string[] {
  const { system, bootFile, cdrom, diskStripeBytes: stripe } = parts;
  const [diskPlace, cdromPlace] = parts.isCdromFirst ? [2, 1] : [1, 2];
  const networkPlace = parts.isNetworkFirst ? 0 : 3;
  const stripes = stripe === undefined ? "" : `,min_io_size=${stripe},opt_io_size=${stripe}`;
  const forwards = [...parts.forwards].map(([host, guest]) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`).join("");
  const smbios = `manufacturer=${escaped(system.manufacturer)},product=${escaped(system.product)}`;
  return [
    // With erms everybody copies by "rep movsb", which QEMU does byte by byte.
    ["-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max,-erms"],
    ["-smp", "2", "-m", `${parts.memoryMegabytes}`],
    ["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none"],
    ["-smbios", `type=1,${smbios},serial=${escaped(system.serial)},uuid=${system.uuid}`],
    [
      "-chardev",
      `socket,id=serial,path=${parts.serialSocket},server=on,wait=off,logfile=${parts.serialLog},logappend=on`,
    ],
    ["-serial", "chardev:serial"],
    ["-chardev", `socket,id=tpm,path=${parts.tpmSocket}`, "-tpmdev", "emulator,id=tpm,chardev=tpm"],
    ["-device", "tpm-tis,tpmdev=tpm", "-device", "virtio-rng-pci"],
    ["-device", "virtio-serial-pci", "-chardev", `socket,id=port,path=${parts.portSocket},server=on,wait=off`],
    ["-device", "virtserialport,chardev=port,name=rancheros.test"],
    // What the guest wrote is in the file when QEMU is killed, whatever the guest flushed; what it still held is lost.
    ["-drive", `if=none,id=disk,file=${parts.disk},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap`],
    ["-device", `virtio-blk-pci,drive=disk,serial=disk0,bootindex=${diskPlace}${stripes}`],
    ["-netdev", `user,id=net${bootFile === undefined ? "" : `,bootfile=${escaped(bootFile)}`}${forwards}`],
    ["-device", `virtio-net-pci,netdev=net,bootindex=${networkPlace}`],
    ["-device", "i6300esb", "-action", "watchdog=reset"],
    cdrom === undefined
      ? []
      : [
          ["-device", "virtio-scsi-pci", "-drive", `if=none,id=cd,file=${cdrom},format=raw,media=cdrom,readonly=on`],
          ["-device", `scsi-cd,drive=cd,bootindex=${cdromPlace}`],
        ].flat(),
    parts.firmware === "bios"
      ? []
      : [
          ["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF_CODE}`],
          ["-drive", `if=pflash,unit=1,format=raw,file=${parts.uefiVariables}`],
        ].flat(),
  ].flat();
}
