/** What iPXE is told: three files, the kernel's arguments, and to come back where something is missing. */
import { SQUASHFS_NAME } from "./boot-route.ts";

export interface IpxeOptions {
  /** Where this script and the files are, such as http://HOST/boot/TOKEN */
  readonly base: string;
  /** Further arguments of the kernel, in one line. */
  readonly kernelArguments: string | undefined;
}

/**
 * Source: iPXE's kernel, initrd, chain; Debian live-boot(7) boot=live, fetch=; rancheros.install.* as os2 reads them
 */
export function ipxeScript({ base, kernelArguments }: IpxeOptions): string {
  const args = [
    // UEFI's kernel finds its initrd by that name.
    "initrd=initrd",
    "boot=live",
    `fetch=${base}/${SQUASHFS_NAME}`,
    "ip=dhcp",
    // What cannot go on starts again: nobody stands before it.
    "panic=10",
    "rancheros.install.automatic=true",
    // Of a machine whose firmware tries the network before its disk. What the registration says comes later, and counts.
    "rancheros.install.installed=start",
    `rancheros.install.config_url=${base}/config`,
    ...(kernelArguments === undefined ? [] : [kernelArguments]),
  ];
  return `#!ipxe
kernel ${base}/kernel ${args.join(" ")} || goto later
initrd --name initrd ${base}/initrd || goto later
boot || goto later
:later
echo RancherOS: the boot files were not to be had; once more in 10 seconds
sleep 10
chain --replace --autofree ${base}/ipxe || goto later
`;
}
