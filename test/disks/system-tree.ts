/** The least that counts as an operating system: nothing of it starts. */
import { readFileSync, mkdirSync, writeFileSync, symlinkSync, chmodSync } from "node:fs";
import { dirname, join } from "node:path";

import type { TarEntry } from "../registry/index.ts";

/** An ELF program of this machine's processor, as short as one is looked at. */
const PROGRAM = readFileSync(process.execPath).subarray(0, 4096);

/** @param release  what tells it from others */
export function systemEntries(release: string): readonly TarEntry[] {
  return [
    { path: "boot/vmlinuz-1", content: `kernel of ${release}`.repeat(1000) },
    { path: "boot/vmlinuz", symlink: "vmlinuz-1" },
    { path: "boot/initrd.img", content: `initrd of ${release}`.repeat(1000) },
    { path: "usr/sbin/init", content: PROGRAM, mode: 0o755 },
    { path: "sbin", symlink: "usr/sbin" },
    { path: "usr/bin/ros-agent", content: PROGRAM, mode: 0o755 },
    { path: "usr/lib/rancheros/init", content: "#!/bin/sh\n", mode: 0o755 },
    { path: "usr/lib/rancheros-release", content: `IMAGE=${release}\n` },
    { path: "usr/lib/systemd/system/ros-agent-boot-check.service", content: "[Unit]\n" },
    { path: "etc/hosts", content: "127.0.0.1 localhost\n" },
  ];
}

/** The same as a folder. */
export function systemTree(folder: string, release: string): string {
  for (const entry of systemEntries(release)) {
    const path = join(folder, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    if ("symlink" in entry) symlinkSync(entry.symlink, path);
    else if ("content" in entry) {
      writeFileSync(path, entry.content);
      chmodSync(path, entry.mode ?? 0o644);
    }
  }
  return folder;
}
