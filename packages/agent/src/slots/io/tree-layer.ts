/** A folder as a layer. */
import type { SystemLayer } from "../system-source.ts";
import { folderTar } from "./folder-tar.ts";

export function treeLayer(folder: string): SystemLayer {
  return { name: "the live system", sizeBytes: undefined, open: (signal) => folderTar(folder, signal) };
}
