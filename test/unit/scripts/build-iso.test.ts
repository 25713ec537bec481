/** What scripts/build-iso leaves under the ISO's name where it does not come to its end. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const SCRIPT = path.resolve(import.meta.dirname, "../../../scripts/build-iso");
const ISO_MIB = 4;

/** In place of the real one: an ISO of that size, of nothing. */
const GRUB_MKRESCUE = `#!/bin/sh
for argument; do
  case "$argument" in --output=*) exec head --bytes=${ISO_MIB}M /dev/zero >"\${argument#*=}" ;; esac
done
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "build-iso-"));
  for (const name of ["bin", "media", "disk"]) mkdirSync(path.join(folder, name));
  for (const name of ["kernel", "initrd", "squashfs"]) writeFileSync(path.join(folder, "media", name), name);
  const programs = { "grub-mkrescue": GRUB_MKRESCUE, xorriso: "", mformat: "" };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(path.join(folder, "bin", name), text, { mode: 0o755 });
  }
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param before  lines of shell in a namespace of its own, in which mounts are nobody else's. @returns what \`after\` prints */
function build(iso: string, before = "", after = ""): string {
  const line = `set -e; ${before}\numask 027; set +e; bash "$@" >&2; ended=$?; ${after}\nexit $ended`;
  const env = { PATH: `${path.join(folder, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder };
  const args = ["--user", "--map-root-user", "--mount", "bash", "-c", line, "bash", SCRIPT];
  const all = [...args, "--media", path.join(folder, "media"), iso];
  return execFileSync("unshare", all, { env, timeout: 60_000, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

describe("scripts/build-iso", () => {
  it("puts the whole ISO in the place of the one that was there, with the modes of whoever makes it", () => {
    const iso = path.join(folder, "disk/own.iso");
    writeFileSync(iso, "old");
    build(iso);
    expect(statSync(iso)).toMatchObject({ size: ISO_MIB * 1024 * 1024, mode: 0o100640 });
    expect(readdirSync(path.join(folder, "disk"))).toEqual(["own.iso"]);
  });

  it("leaves the ISO that was there where the new one has no room, and nothing beside it", () => {
    const disk = path.join(folder, "disk");
    const kept = path.join(folder, "kept");
    const before = `mount -t tmpfs -o size=${ISO_MIB / 2}m tmpfs ${disk}; echo old >${disk}/own.iso`;
    const after = `ls -A ${disk} >${kept}; cat ${disk}/own.iso >>${kept}`;
    expect(() => build(`${disk}/own.iso`, before, after)).toThrow(/No space left on device/);
    expect(readFileSync(kept, "utf8")).toBe("own.iso\nold\n");
  });

  it("makes none where a folder has its name", () => {
    expect(() => build(path.join(folder, "disk"))).toThrow(/is a folder/);
    expect(readdirSync(path.join(folder, "disk"))).toEqual([]);
  });
});
