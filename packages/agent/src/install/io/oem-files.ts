/** ROS_OEM while it is installed: GRUB's configuration and words, and the machine's cloud config. */
import { chmod, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";

import { mount, refusedAt, syncFileSystem, unmount, writeGrubEnvironmentFile } from "../../slots/index.ts";

/** Everybody may read what GRUB reads; all else may hold secrets. */
const PUBLIC = "grub/";

/** @throws SlotError */
export async function writeOemFiles(
  device: string,
  folder: string,
  files: ReadonlyMap<string, string>,
  words: ReadonlyMap<string, string>,
): Promise<void> {
  await mount(device, folder, "rw,noatime");
  try {
    await chmod(folder, 0o755).catch(refusedAt(folder));
    await mkdir(join(folder, "grub"), { recursive: true }).catch(refusedAt(join(folder, "grub")));
    for (const [name, text] of files) {
      const path = join(folder, name);
      await writeOemFile(path, text, name.startsWith(PUBLIC) ? 0o644 : 0o600).catch(refusedAt(path));
    }
    await writeGrubEnvironmentFile(join(folder, "grub/grubenv"), words);
    await syncFileSystem(folder);
  } finally {
    await unmount(folder);
  }
}

async function writeOemFile(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "w", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
