/** The files of a machine in which secrets are: read to know what must not get into a support archive, and for nothing else. */
import { isAbsent } from "@rancheros/protocol/errors";
import { constants, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { SECRET_PLACES, type SecretPlace } from "../archive/secret-places.ts";
import type { SecretFileKind } from "../archive/secret-values.ts";

export interface SecretFile {
  readonly path: string;
  readonly kind: SecretFileKind;
  readonly text: string;
}

export interface SecretFiles {
  readonly files: readonly SecretFile[];
  /** There, and not to be read: what is in them cannot be looked for. */
  readonly unread: readonly string[];
}

const FILE_MAX_BYTES = 4 * 1024 * 1024;
const ALL_MAX_BYTES = 32 * 1024 * 1024;
const FOLDER_MAX_FILES = 200;
const MAX_DEPTH = 16;
/** /dev/null, to which systemd links what is masked. Source: Linux, Documentation/admin-guide/devices.txt: 1, 3 */
const NULL_DEVICE = (1 << 8) | 3;

/** @param more  others that the command line or the environment name, as they are */
export async function readSecretFiles(
  hostRoot: string,
  stateFolder: string,
  more: readonly string[],
): Promise<SecretFiles> {
  const reading: Reading = { files: [], unread: new Set(), seen: new Set(), bytes: 0 };
  const places: readonly SecretPlace[] = [
    ...SECRET_PLACES.map((place) => ({ ...place, path: join(hostRoot, place.path) })),
    ...[join(stateFolder, "upgrade.json"), join(stateFolder, "upgrade.json.broken"), ...more].map(
      (path) => ({ path, kind: "tree" }) as const,
    ),
  ];
  for (const place of places) {
    if (await isFolder(place.path)) await readFolder(reading, place, place.path, 0);
    else await readWhole(reading, place.path, place.kind);
  }
  return { files: reading.files, unread: [...reading.unread] };
}

interface Reading {
  readonly files: SecretFile[];
  readonly unread: Set<string>;
  /** What links lead to is read once, and no circle of them is gone round. */
  readonly seen: Set<string>;
  bytes: number;
}

/** What cannot be looked at fails where it is opened. */
function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function readFolder(reading: Reading, place: SecretPlace, folder: string, depth: number): Promise<void> {
  const { kind, inside, isDeep = false } = place;
  if (inside === undefined) return;
  try {
    const { dev, ino } = await stat(folder);
    const key = `${dev} ${ino} ${inside.source} ${isDeep}`;
    if (reading.seen.has(key)) return;
    reading.seen.add(key);
    const entries = await readdir(folder);
    if (entries.length > FOLDER_MAX_FILES || depth > MAX_DEPTH) reading.unread.add(folder);
    for (const name of depth > MAX_DEPTH ? [] : entries.slice(0, FOLDER_MAX_FILES)) {
      const path = join(folder, name);
      if (isDeep && (await isFolder(path))) await readFolder(reading, place, path, depth + 1);
      else if (inside.test(name)) await readWhole(reading, path, kind);
    }
  } catch (error) {
    if (!isAbsent(error)) reading.unread.add(folder);
  }
}

async function readWhole(reading: Reading, path: string, kind: SecretFileKind): Promise<void> {
  try {
    // A pipe that nobody writes to would hold us for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      const key = `${found.dev} ${found.ino} ${kind}`;
      if (found.isDirectory() || reading.seen.has(key)) return;
      if (found.isCharacterDevice() && found.rdev === NULL_DEVICE) return;
      if (!found.isFile() || found.size > FILE_MAX_BYTES) throw new Error("no small file");
      if (reading.bytes + found.size > ALL_MAX_BYTES) throw new Error("too much in all");
      reading.seen.add(key);
      const text = await file.readFile("utf8");
      reading.bytes += found.size;
      reading.files.push({ path, kind, text });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isAbsent(error)) reading.unread.add(path);
  }
}
