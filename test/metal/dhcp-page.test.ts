/** The dnsmasq of docs/install-by-pxe.md leads real firmware to the operator, in a network that nothing leads out of. */
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import { OVMF_CODE, OVMF_VARIABLES } from "./qemu-arguments.ts";
import { patiently } from "./rollout.ts";

const PAGE = path.resolve(import.meta.dirname, "../../docs/install-by-pxe.md");
const SERVER = path.join(import.meta.dirname, "script-server.ts");
/** As the page has it. */
const HOST = "192.168.1.1";
/** For what hangs; OVMF takes half a minute without KVM, where nobody else wants the cores. */
const BOOT_MS = 15 * 60_000;

const folder = mkdtempSync(path.join(tmpdir(), "dhcp-page-"));
const network = `ros-pxe-${process.pid}`;
const isShort = process.env["RANCHEROS_METAL_SHORT"] === "1";
/** The operator gives this to who asks next, in place of a script that does nothing. */
const nextScript = path.join(folder, "next.ipxe");
const running: TetheredProcess[] = [];

function start(name: string, executable: string, args: readonly string[]): TetheredProcess {
  const inside = ["netns", "exec", network, executable, ...args];
  const child = new TetheredProcess({ name, executable: "ip", args: inside, folder });
  running.push(child);
  return child;
}

function logOf(name: string): string {
  return readFileSync(path.join(folder, `${name}.log`), "utf8");
}

function pageConfiguration(): string {
  const block = /^```\n(dhcp-range=[\s\S]*?)^```$/m.exec(readFileSync(PAGE, "utf8"))?.[1] ?? "";
  return block.replaceAll("OPERATOR", HOST).replaceAll("TOKEN", "token");
}

beforeAll(async () => {
  const ip = (...args: readonly string[]): unknown => execFileSync("ip", ["-n", network, ...args]);
  execFileSync("ip", ["netns", "add", network]);
  ip("link", "set", "lo", "up");
  ip("link", "add", "lan", "type", "bridge");
  ip("address", "add", `${HOST}/24`, "dev", "lan");
  ip("link", "set", "lan", "up");
  ip("tuntap", "add", "machine", "mode", "tap");
  ip("link", "set", "machine", "master", "lan", "up");
  ip("link", "add", "card", "type", "veth", "peer", "name", "card-lan");
  ip("link", "set", "card-lan", "master", "lan", "up");
  ip("link", "set", "card", "up");
  writeFileSync(path.join(folder, "rancheros.conf"), pageConfiguration());
  start("operator", process.execPath, [SERVER, HOST, nextScript]);
  const own = [
    "--keep-in-foreground",
    "--user=root",
    "--pid-file=",
    "--leasefile-ro",
    "--log-facility=-",
    "--log-dhcp",
  ];
  const dnsmasq = start("dnsmasq", "dnsmasq", [`--conf-file=${path.join(folder, "rancheros.conf")}`, ...own]);
  await patiently(async () => !dnsmasq.running || logOf("dnsmasq").includes("started"), "dnsmasq", 30_000);
  expect(dnsmasq.running, logOf("dnsmasq")).toBe(true);
});

afterAll(async () => {
  await Promise.all(running.map((child) => child.kill()));
  execFileSync("ip", ["netns", "delete", network]);
  rmSync(folder, { recursive: true, force: true });
});

describe("a network card that says what it is", () => {
  const asksFor = path.join(folder, "udhcpc-script");
  beforeAll(() => {
    const told = `[ "$1" != bound ] || echo "\${bootfile:-$boot_file} from \${siaddr:-$serverid}"`;
    writeFileSync(asksFor, `#!/bin/busybox sh\n${told}\n`, { mode: 0o755 });
  });

  // Sources: RFC 4578, 2.1 and 3 (architectures, the vendor class); dnsmasq(8); ipxe.org/howto/dhcpd (option 175)
  it.each([
    ["BIOS, which knows only PXE", ["-x", "93:0000"], "undionly.kpxe"],
    ["UEFI, which knows only PXE", ["-x", "93:0007"], "ipxe.efi"],
    ["UEFI by its other number, which knows only PXE", ["-x", "93:0009"], "ipxe.efi"],
    ["BIOS, and brings iPXE", ["-x", "93:0000", "-x", "175:010100"], `http://${HOST}/boot/token/ipxe`],
    ["UEFI, and brings iPXE", ["-x", "93:0007", "-x", "175:010100"], `http://${HOST}/boot/token/ipxe`],
  ])("is told of the right file with %s", async (_card, options, file) => {
    const once = ["-i", "card", "-f", "-n", "-q", "-t", "5", "-T", "1", "-O", "bootfile", "-s", asksFor];
    const args = [...once, "-V", "PXEClient:Arch:00000:UNDI:002001", ...options];
    const { stdout } = await promisify(execFile)("ip", ["netns", "exec", network, "busybox", "udhcpc", ...args]);
    expect(stdout).toContain(`${file} from ${HOST}\n`);
  });
});

describe("a machine whose disk is empty is led to the operator's script", () => {
  const machines = [
    ["bios", "which brings iPXE", "", undefined],
    ["uefi", "which knows only PXE", ",romfile=", "ipxe.efi"],
    // Debian has no card of a BIOS that is not iPXE: its iPXE gives way to the program that is meant for the others.
    ["bios", "whose PXE alone is used", "", "undionly.kpxe"],
  ] as const;
  it.each(isShort ? machines.slice(0, 2) : machines)(
    "with %s and a network card %s",
    { timeout: BOOT_MS + 60_000 },
    async (firmware, card, rom, program) => {
      const isLedOn = firmware === "bios" && program !== undefined;
      if (isLedOn) writeFileSync(nextScript, `#!ipxe\nchain tftp://\${next-server}/${program}\n`);
      const name = `machine-${firmware}-${card.replaceAll(" ", "-")}`;
      mkdirSync(path.join(folder, name));
      const variables = path.join(folder, name, "variables.fd");
      copyFileSync(OVMF_VARIABLES, variables);
      const before = { operator: logOf("operator").length, dnsmasq: logOf("dnsmasq").length };
      const machine = start(
        name,
        "qemu-system-x86_64",
        [
          ["-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max,-erms", "-m", "512"],
          ["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-device", "virtio-rng-pci"],
          ["-netdev", "tap,id=net,ifname=machine,script=no,downscript=no"],
          ["-device", `virtio-net-pci,netdev=net,bootindex=1${rom}`],
          firmware === "bios"
            ? []
            : [
                ["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF_CODE}`],
                ["-drive", `if=pflash,unit=1,format=raw,file=${variables}`],
              ].flat(),
        ].flat(),
      );
      const asked = (): readonly string[] =>
        logOf("operator").slice(before.operator).trimEnd().split("\n").filter(Boolean);
      await patiently(
        async () => asked().length === (isLedOn ? 2 : 1) || !machine.running,
        "the machine to ask for its script",
        BOOT_MS,
      );
      await machine.kill();
      expect(asked(), logOf("dnsmasq")).toHaveLength(isLedOn ? 2 : 1);
      for (const request of asked()) expect(request).toMatch(/^\/boot\/token\/ipxe iPXE\/\S+$/);
      const sent = /sent \/usr\/lib\/ipxe\/(\S+) to/g;
      // Firmware may ask twice: for the size first.
      const files = new Set([...logOf("dnsmasq").slice(before.dnsmasq).matchAll(sent)].map(([, file = ""]) => file));
      expect(files).toEqual(new Set(program === undefined ? [] : [program]));
    },
  );
});
