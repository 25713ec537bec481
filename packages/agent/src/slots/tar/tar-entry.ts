/** One entry of a layer. */

export type TarEntryKind = "file" | "folder" | "symlink" | "hardlink" | "character-device" | "block-device" | "fifo";

export interface TarEntry {
  readonly kind: TarEntryKind;
  /** Components below the root, none of them empty, `.` or `..`; none at all for the root itself. */
  readonly path: readonly string[];
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** Of symlinks as it stands there, of hard links a path below the root. */
  readonly link: string;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}
