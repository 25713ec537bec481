/** The dnsmasq of docs/install-by-pxe.md leads real firmware to the operator, in a network that nothing leads out of. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
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
  writeFileSync(path.join(folder, "rancheros.conf"), pageConfiguration());
  start("operator", process.execPath, [SERVER, HOST]);
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

describe("a machine whose disk is empty is led to the operator's script", () => {
  it.each([
    ["bios", "which brings iPXE", ""],
    ["uefi", "which knows only PXE", ",romfile="],
  ] as const)("with %s and a network card %s", { timeout: BOOT_MS + 60_000 }, async (firmware, _card, rom) => {
    const name = `machine-${firmware}`;
    mkdirSync(path.join(folder, name));
    const variables = path.join(folder, name, "variables.fd");
    copyFileSync(OVMF_VARIABLES, variables);
    const before = logOf("operator").length;
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
    const asked = (): string => logOf("operator").slice(before);
    await patiently(
      async () => asked().includes("\n") || !machine.running,
      "the machine to ask for its script",
      BOOT_MS,
    );
    await machine.kill();
    expect(asked(), logOf("dnsmasq")).toMatch(/^\/boot\/token\/ipxe iPXE\/\S+\n$/);
    const sent = /sent \/usr\/lib\/ipxe\/(\S+) to/g;
    // Firmware may ask twice: for the size first.
    const files = new Set([...logOf("dnsmasq").matchAll(sent)].map(([, file = ""]) => file));
    expect(files).toEqual(new Set(firmware === "bios" ? [] : ["ipxe.efi"]));
  });
});
