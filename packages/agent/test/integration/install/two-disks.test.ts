/** Two disks with partitions of the same names, an older installation first: what starts is the disk that the firmware chose. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ENDING_DEVICE, makeDisk, systemTree, tellingKernel, type TestDisk } from "../../../../../test/disks/index.ts";
import { OVMF_CODE, OVMF_VARIABLES } from "../../../../../test/metal/qemu-arguments.ts";
import { installMachine, liveSource } from "../../../src/install/index.ts";
import { NO_RULE } from "../../../src/install/disk.ts";

const MIB = 1024 ** 2;
const BOOT_TIMEOUT_MS = 120_000;

let home: string;
let old: TestDisk;
let fresh: TestDisk;

async function install(name: string): Promise<TestDisk> {
  const disk = makeDisk(join(home, name), 2048 * MIB);
  const source = liveSource(join(home, "tree"));
  const common = { source, systemBytes: MIB, slotBytes: 128 * MIB, files: new Map(), dryRun: false };
  await installMachine(
    {
      ...common,
      rule: { ...NO_RULE, device: disk.device },
      reinstall: { kind: "never" },
      kernelArguments: "console=ttyS0",
      confirm: () => Promise.resolve(true),
      signal: new AbortController().signal,
      onPlan: () => undefined,
      onProgress: () => undefined,
      onWarning: (error) => expect.unreachable(error.message),
    },
    join(home, name, "work"),
    { after: undefined, isAsked: true },
  );
  return disk;
}

/** Whatever the serial port said until the machine went off. @param first  in the order of the slots on the board */
function boot(name: string, first: "old" | "fresh", ...firmware: readonly string[]): string {
  const log = join(home, `${name}.log`);
  const drive = (id: string, disk: TestDisk): readonly string[] => [
    "-drive",
    `if=none,id=${id},file=${disk.file},format=raw,snapshot=on`,
    "-device",
    `virtio-blk-pci,drive=${id}${id === "fresh" ? ",bootindex=1" : ""}`,
  ];
  const args = [
    ["-accel", "tcg", "-machine", "q35", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none"],
    ["-monitor", "none", "-serial", `file:${log}`, "-no-reboot", ...ENDING_DEVICE],
    first === "old" ? [drive("old", old), drive("fresh", fresh)].flat() : [],
    first === "fresh" ? [drive("fresh", fresh), drive("old", old)].flat() : [],
    firmware,
  ].flat();
  try {
    execFileSync("qemu-system-x86_64", args, { timeout: BOOT_TIMEOUT_MS, stdio: "pipe" });
  } catch (error) {
    // The kernel ends it with 1.
    if (!(error instanceof Error && "status" in error && error.status === 1)) throw error;
  }
  return readFileSync(log, "utf8");
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "two-disks-"));
  systemTree(join(home, "tree"), "example.com/os:v1");
  writeFileSync(join(home, "tree/boot/vmlinuz-1"), tellingKernel());
  old = await install("old");
  fresh = await install("fresh");
}, 120_000);

afterAll(() => {
  old.remove();
  fresh.remove();
  rmSync(home, { recursive: true, force: true });
});

describe("a machine with an older installation on its first disk", () => {
  it("gets the root of the disk that it starts from, by what only that installation has", () => {
    const slot = fresh.partitions().find(({ name }) => name === "ROS_SLOT_A");
    expect(slot?.uuid).not.toBe(old.partitions().find(({ name }) => name === "ROS_SLOT_A")?.uuid);
    const said = boot("bios", "old");
    expect(said).toContain(`root=PARTUUID=${slot?.uuid.toLowerCase() ?? "?"} ro rancheros.slot=a panic=10`);
  });

  it.each(["old", "fresh"] as const)(
    "takes GRUB's words from there too, with the %s disk first on the board",
    (first) => {
      for (const [disk, words] of [
        [old, "the older disk"],
        [fresh, "the disk that was chosen"],
      ] as const) {
        disk.change("ROS_OEM", (oem) => writeFileSync(join(oem, "grub/grub.cfg"), `echo "here is ${words}"\nhalt\n`));
      }
      const variables = join(home, `variables-${first}.fd`);
      copyFileSync(OVMF_VARIABLES, variables);
      const code = ["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF_CODE}`];
      const said = boot(`uefi-${first}`, first, ...code, "-drive", `if=pflash,unit=1,format=raw,file=${variables}`);
      expect(said).toContain("here is the disk that was chosen");
      expect(said).not.toContain("here is the older disk");
    },
  );
});
