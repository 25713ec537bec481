/** The real process on the real machine, and with a program in the place of lsblk that misbehaves. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { eventually } from "../../../../../test/operator/objects.ts";
import { readHardware } from "../../../src/hardware/index.ts";

const PRINT_HARDWARE = fileURLToPath(new URL("../../../src/hardware/io/print-hardware.ts", import.meta.url));
const TIMEOUT_MS = 30_000;
const NEVER = new AbortController().signal;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "hardware-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Puts a shell script in the place of a program. */
function fake(program: string, script: string): void {
  const file = path.join(folder, program);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

function collectorWithFakes(): [string, ...string[]] {
  return ["/usr/bin/env", `PATH=${folder}:${process.env["PATH"] ?? ""}`, process.execPath, PRINT_HARDWARE];
}

function shell(script: string, ...args: readonly string[]): [string, ...string[]] {
  return ["/bin/sh", "-c", script, "sh", ...args];
}

/** The time is over as soon as a program has written down its number, however long it took to come as far. */
async function readUntilLate(
  pidFile: string,
  collector: [string, ...string[]],
): Promise<{ readonly pid: number; readonly outcome: unknown }> {
  const timeoutMs = 3000;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const outcome = readHardware({ timeoutMs, signal: NEVER, collector }).catch((error: unknown) => error);
  const written = async (): Promise<number | undefined> =>
    existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) || undefined : undefined;
  const pid = await eventually(written, "a program that hangs", TIMEOUT_MS);
  vi.advanceTimersByTime(timeoutMs);
  return { pid, outcome: await outcome };
}

/** A killed one may be a zombie for a moment. */
function isGone(pid: number): boolean {
  const status = path.join("/proc", String(pid), "stat");
  const state = existsSync(status) ? (readFileSync(status, "utf8").split(") ").at(-1)?.[0] ?? "") : "";
  return ["", "Z", "X"].includes(state);
}

describe("this machine", () => {
  it("tells what Node knows too", async () => {
    const hardware = await readHardware({ timeoutMs: TIMEOUT_MS, signal: NEVER });
    expect(hardware.memory.totalBytes).toBe(totalmem());
    expect(hardware.cpu.logicalCores).toBeGreaterThan(0);
    const known = Object.entries(networkInterfaces()).filter(([, addresses]) => addresses?.[0]?.internal === false);
    const macs = Object.fromEntries(hardware.networkInterfaces.map(({ name, mac }) => [name, mac]));
    for (const [name, addresses] of known) expect(macs[name]).toBe(addresses?.[0]?.mac);
    for (const disk of hardware.disks) expect(existsSync(`/sys/block/${path.basename(disk.device)}`)).toBe(true);
  });
});

/** As many as a node has pods, and more; each pair is two interfaces. */
const PAIRS = 75;
/** Up, so that each has an address. In a network of its own, and with process numbers of its own: the last number tells how many tasks were started. */
const IN_OWN_NETWORK = `mount -t sysfs sysfs /sys
seq ${PAIRS} | sed 's/.*/link add a& type veth peer name b&/' | ip -batch -
{ seq ${PAIRS} | sed 's/.*/link set a& up/'; seq ${PAIRS} | sed 's/.*/link set b& up/'; } | ip -batch -
ip link set a1 mtu 1400
ip address add 192.0.2.7/24 dev a1
ip -6 address add fd00::7/64 dev a1 nodad
ip route add default via 192.0.2.1
before=$(sh -c 'echo $$')
"$@"
echo $(($(sh -c 'echo $$') - before)) >&3`;

describe("a node with 150 network interfaces", () => {
  it("tells them all without a process for each of them", async () => {
    const tasksFile = path.join(folder, "tasks");
    const script = ["-c", IN_OWN_NETWORK, "sh", process.execPath, PRINT_HARDWARE];
    const { networkInterfaces: found } = await readHardware({
      timeoutMs: TIMEOUT_MS,
      signal: NEVER,
      collector: shell(`exec 3>${tasksFile}; exec unshare -nmpf --mount-proc sh "$@"`, ...script),
    });
    expect(found).toHaveLength(2 * PAIRS);
    expect(found[0]).toEqual({
      name: "a1",
      mac: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/) as string,
      virtual: true,
      state: "up",
      ipv4: "192.0.2.7",
      ipv6: "fd00::7",
      speedMbps: 10_000,
      mtuBytes: 1400,
      default: true,
    });
    expect(found[1]).toMatchObject({ name: "a2", state: "up", ipv4: undefined, mtuBytes: 1500, default: false });
    // Threads are tasks too. A process for each interface would be 150 more.
    expect(Number(readFileSync(tasksFile, "utf8"))).toBeLessThan(100);
  });
});

describe("a machine whose lsblk", () => {
  it("lists disks of all kinds is told with them", async () => {
    // Output of lsblk -bPo as util-linux 2.38 formats it; models are real ones, serial numbers are made up.
    fake(
      "lsblk",
      String.raw`cat <<'END'
NAME="sda" TYPE="disk" SIZE="1000204886016" FSTYPE="" MOUNTPOINT="" UUID="" ROTA="1" RO="0" RM="0" TRAN="sata" SERIAL="W4700001" LABEL="" MODEL="ST1000NX0423" OWNER="root"
NAME="sda1" TYPE="part" SIZE="536870912" FSTYPE="vfat" MOUNTPOINT="/boot/efi" UUID="AAAA-BBBB" ROTA="1" RO="0" RM="0" TRAN="" SERIAL="" LABEL="" MODEL="" OWNER="root"
NAME="sdb" TYPE="disk" SIZE="31029460992" FSTYPE="" MOUNTPOINT="" UUID="" ROTA="1" RO="0" RM="1" TRAN="usb" SERIAL="4C5300001" LABEL="" MODEL="Ultra Fit" OWNER="root"
NAME="sdc" TYPE="disk" SIZE="0" FSTYPE="" MOUNTPOINT="" UUID="" ROTA="1" RO="0" RM="1" TRAN="usb" SERIAL="" LABEL="" MODEL="Card Reader" OWNER="root"
NAME="nvme0n1" TYPE="disk" SIZE="960197124096" FSTYPE="" MOUNTPOINT="" UUID="" ROTA="0" RO="0" RM="0" TRAN="nvme" SERIAL="S4EMNX0R000001" LABEL="" MODEL="SAMSUNG MZQLB960HAJR-00007" OWNER="root"
NAME="loop0" TYPE="loop" SIZE="4096" FSTYPE="squashfs" MOUNTPOINT="/snap" UUID="" ROTA="0" RO="1" RM="0" TRAN="" SERIAL="" LABEL="" MODEL="" OWNER="root"
END`,
    );
    const { disks } = await readHardware({ timeoutMs: TIMEOUT_MS, signal: NEVER, collector: collectorWithFakes() });
    expect(disks).toEqual([
      {
        device: "/dev/nvme0n1",
        model: "SAMSUNG MZQLB960HAJR-00007",
        serial: "S4EMNX0R000001",
        sizeBytes: 960_197_124_096,
        rotational: false,
        transport: "nvme",
        removable: false,
      },
      {
        device: "/dev/sda",
        model: "ST1000NX0423",
        serial: "W4700001",
        sizeBytes: 1_000_204_886_016,
        rotational: true,
        transport: "sata",
        removable: false,
      },
      {
        device: "/dev/sdb",
        model: "Ultra Fit",
        serial: "4C5300001",
        sizeBytes: 31_029_460_992,
        rotational: true,
        transport: "usb",
        removable: true,
      },
    ]);
  });

  it.each(["lsblk", "lscpu"])(
    "hangs, or its lscpu, is HARDWARE_TIMED_OUT, and nothing stays behind: %s",
    async (program) => {
      const pidFile = path.join(folder, "pid");
      fake(program, `echo $$ > ${pidFile}; trap '' TERM; exec sleep 600`);
      const { pid, outcome } = await readUntilLate(pidFile, collectorWithFakes());
      expect(outcome).toMatchObject({ code: "HARDWARE_TIMED_OUT", failure: "timeout", details: { timeoutMs: 3000 } });
      await expect.poll(() => isGone(pid)).toBe(true);
    },
  );

  it("hangs is given up on request", async () => {
    fake("lsblk", "exec sleep 600");
    const signal = AbortSignal.timeout(500);
    await expect(
      readHardware({ timeoutMs: TIMEOUT_MS, signal, collector: collectorWithFakes() }),
    ).rejects.toMatchObject({ code: "HARDWARE_INTERRUPTED", failure: "interrupted" });
  });
});

describe("a process that", () => {
  async function readFrom(collector: [string, ...string[]]): Promise<unknown> {
    return readHardware({ timeoutMs: TIMEOUT_MS, signal: NEVER, collector });
  }

  it("does not exist is HARDWARE_UNREADABLE", async () => {
    await expect(readFrom([path.join(folder, "nothing")])).rejects.toMatchObject({
      code: "HARDWARE_UNREADABLE",
      failure: "environment",
    });
  });

  it("fails is HARDWARE_UNREADABLE, with its last words", async () => {
    await expect(readFrom(shell("echo no /proc >&2; exit 3"))).rejects.toMatchObject({
      code: "HARDWARE_UNREADABLE",
      message: "the process that reads the hardware ended with 3",
      details: { stderr: "no /proc" },
    });
  });

  it("is killed is HARDWARE_UNREADABLE, with the signal", async () => {
    await expect(readFrom(shell("kill -SEGV $$"))).rejects.toMatchObject({
      code: "HARDWARE_UNREADABLE",
      message: "the process that reads the hardware was ended by SIGSEGV",
    });
  });

  it.each([
    { title: "nothing", script: "true" },
    { title: "half of a document", script: `printf '{"cpu":'` },
    { title: "something else", script: `printf '{"cpu":{}}'` },
    { title: "without end", script: "exec yes" },
  ])("prints $title is HARDWARE_NONSENSE", async ({ script }) => {
    await expect(readFrom(shell(script))).rejects.toMatchObject({ code: "HARDWARE_NONSENSE", failure: "nonsense" });
  });

  it("lets go of its group and holds its output open is given up all the same", async () => {
    const pidFile = path.join(folder, "pid");
    const collector = shell(`setsid sh -c 'echo $$ > ${pidFile}; exec sleep 20' & exit 0`);
    const { pid, outcome } = await readUntilLate(pidFile, collector);
    expect(outcome).toMatchObject({ code: "HARDWARE_TIMED_OUT" });
    process.kill(pid);
  });

  it("is not even started for long where the request is withdrawn before", async () => {
    await expect(
      readHardware({ timeoutMs: TIMEOUT_MS, signal: AbortSignal.abort(), collector: shell("exec sleep 600") }),
    ).rejects.toMatchObject({ code: "HARDWARE_INTERRUPTED" });
  });
});
