/** What scripts/build-media says of an image before it makes media of it. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PARTS = path.join(ROOT, "scripts/image-parts.bash");
/** In each system of Debian's that has systemd. */
const ESSENTIAL = ["util-linux", "mount", "tar", "findutils", "systemd"];

const WHERE = "in_image boot/vmlinuz; echo $found";

let rootfs: string;

beforeEach(() => {
  rootfs = mkdtempSync(path.join(tmpdir(), "image-parts-"));
});

afterEach(() => rmSync(rootfs, { recursive: true }));

function put(at: string, content = "x"): void {
  mkdirSync(path.join(rootfs, at, ".."), { recursive: true });
  writeFileSync(path.join(rootfs, at), content);
}

function link(at: string, target: string): void {
  mkdirSync(path.join(rootfs, at, ".."), { recursive: true });
  symlinkSync(target, path.join(rootfs, at));
}

/** @returns what was printed; undefined where it failed */
function ask(line: string): string | undefined {
  try {
    const script = `set -euo pipefail; rootfs="$1"; source "$2"; ${line}`;
    return execFileSync("bash", ["-c", script, "bash", rootfs, PARTS], { encoding: "utf8" }).trimEnd();
  } catch {
    return undefined;
  }
}

describe("a path of an image", () => {
  it.each([
    ["the name that the kernel's package gives it", "vmlinuz-6.12"],
    ["a path from the image's root", "/boot/vmlinuz-6.12"],
    ["a way over its root", "../../../boot/vmlinuz-6.12"],
    ["a folder that is a link", "../lib/kernels/vmlinuz-6.12"],
  ])("leads to the image's own file where a link names %s", (_what, target) => {
    put("boot/vmlinuz-6.12");
    link("lib/kernels", "/boot");
    link("boot/vmlinuz", target);
    expect(ask(WHERE)).toBe(`${rootfs}/boot/vmlinuz-6.12`);
    expect(ask("has_file boot/vmlinuz && echo there")).toBe("there");
  });

  it("leads nowhere out of the image, also where this machine has what a link names", () => {
    link("boot/vmlinuz", "/etc/passwd");
    link("boot/initrd.img", "../../../../../../../../etc/passwd");
    expect(ask(WHERE)).toBe(`${rootfs}/etc/passwd`);
    expect(ask("in_image boot/initrd.img; echo $found")).toBe(`${rootfs}/etc/passwd`);
    expect(ask("missing_parts")).toMatch(/^\/boot\/vmlinuz \(a kernel\)\n\/boot\/initrd\.img \(an initrd\)\n/);
  });

  it("ends somewhere where links lead in a circle", () => {
    link("boot/vmlinuz", "vmlinuz.old");
    link("boot/vmlinuz.old", "vmlinuz");
    expect(ask(WHERE)).toBeUndefined();
    expect(ask("has_file boot/vmlinuz || echo none")).toBe("none");
  });
});

describe("what an image lacks", () => {
  const lacks = (): readonly string[] => (ask("missing_parts") ?? "").split("\n").filter(Boolean);

  it("is named with the packages that the page has in its lines", () => {
    const page = readFileSync(path.join(ROOT, "docs/bring-your-own-image.md"), "utf8");
    const lines = [...page.matchAll(/--include=(\S+)/g)].flatMap(([, list = ""]) => list.split(","));
    const packages = lacks().flatMap((line) => /\(in Debian: (.*)\)$/.exec(line)?.[1] ?? []);
    expect(packages.length).toBeGreaterThan(15);
    for (const one of packages) expect([...lines, ...ESSENTIAL]).toContain(one);
  });

  it("is not what it has, in whichever folder", () => {
    const before = lacks();
    for (const one of ["usr/bin/mcopy", "sbin/sfdisk", "usr/lib/x86_64-linux-gnu/libatomic.so.1", "usr/bin/ros-agent"])
      put(one);
    link("usr/sbin", "../sbin");
    link("usr/local/bin/tar", "/usr/bin/bsdtar");
    put("usr/bin/bsdtar");
    const after = lacks();
    const gone = before.filter((line) => !after.includes(line)).map((line) => line.split(" ")[0]);
    expect(new Set(gone)).toEqual(new Set(["/usr/bin/ros-agent", "libatomic.so.1", "mcopy", "sfdisk", "tar"]));
  });
});

describe("a program whose options only GNU's has", () => {
  const OTHER = "find other than that of busybox (in Debian: findutils)";

  it("is missing in an image where busybox has its name, by a link or as a file of its own", () => {
    link("usr/bin/find", "/bin/busybox");
    cpSync("/bin/busybox", path.join(rootfs, "bin/busybox"), { recursive: true });
    expect(ask("missing_parts")?.split("\n")).toContain(OTHER);
    expect(ask("missing_parts")).not.toContain("tar other than");
    cpSync("/bin/busybox", path.join(rootfs, "usr/bin/tar"));
    expect(ask("missing_parts")?.split("\n")).toContain("tar other than that of busybox (in Debian: tar)");
    // Before it in the path by which machines look for programs.
    cpSync("/usr/bin/find", path.join(rootfs, "usr/local/bin/find"), { recursive: true });
    expect(ask("missing_parts")).not.toContain("find");
  });

  it("is missing on the machine that makes media where busybox has its name", () => {
    const need = `fail() { echo "$*"; exit 1; }; source '${path.join(ROOT, "scripts/os-image.bash")}'; need_commands bash`;
    const run = (line: string): string =>
      execFileSync("bash", ["-c", `set -euo pipefail; HOME=/; ${line}`], { encoding: "utf8" }).trimEnd();
    expect(run(need)).toBe("");
    put("bin/find", '#!/bin/sh\nexec /bin/busybox find "$@"\n');
    chmodSync(path.join(rootfs, "bin/find"), 0o755);
    expect(run(`PATH='${rootfs}/bin':$PATH; ( ${need} ) || true`)).toBe(
      "find on this machine does not know -printf, as that of busybox does not: install findutils",
    );
  });
});

describe("what machines should not have in common", () => {
  it("is told of an image that was a machine before", () => {
    expect(ask("shared_identity")).toBe("");
    put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put("etc/hostname", "builder\n");
    put("etc/ssh/ssh_host_ed25519_key");
    expect(ask("shared_identity")?.split("\n")).toEqual([
      expect.stringContaining("/etc/machine-id"),
      expect.stringContaining("/etc/hostname"),
      expect.stringContaining("host key"),
    ]);
  });

  it.each([[""], ["uninitialized\n"]])("is not what each machine fills itself: %j", (content) => {
    put("etc/machine-id", content);
    expect(ask("shared_identity")).toBe("");
  });
});
