/** What was written to a slot, path by path: what reading back is held against. */

export type TreeRecord =
  | {
      readonly kind: "file";
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly sizeBytes: number;
      readonly hash: string;
    }
  | { readonly kind: "folder"; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly kind: "symlink"; readonly link: string }
  | { readonly kind: "special" };

/** By path below the root, without a leading slash. */
export type TreeRecords = ReadonlyMap<string, TreeRecord>;

/** Fast without help of the processor, and against accidents more than enough. */
export const CONTENT_HASH = "blake2b512";
export const CONTENT_HASH_BYTES = 16;
