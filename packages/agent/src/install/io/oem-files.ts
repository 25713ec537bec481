/** ROS_OEM while it is installed: GRUB's configuration and words, and the machine's cloud config. */
import { chmod, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";

import { mount, syncFileSystem, unmount, writeGrubEnvironmentFile } from "../../slots/index.ts";

/** Everybody may read what GRUB reads; all else may hold secrets. */
const PUBLIC = "grub/";

/** @throws SlotError, and what the file system says */
export async function writeOemFiles(
  device: string,
  folder: string,
  files: ReadonlyMap<string, string>,
  words: ReadonlyMap<string, string>,
): Promise<void> {
  await mount(device, folder, "rw,noatime");
  try {
    await chmod(folder, 0o755);
    await mkdir(join(folder, "grub"), { recursive: true });
    for (const [name, text] of files) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, "w", name.startsWith(PUBLIC) ? 0o644 : 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await writeGrubEnvironmentFile(join(folder, "grub/grubenv"), words);
    await syncFileSystem(folder);
  } finally {
    await unmount(folder);
  }
}
