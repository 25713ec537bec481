/** Small files of an image, read without starting it. */
import { ContainerError } from "./errors.ts";

export type ImageFile =
  | { readonly kind: "file"; readonly content: Buffer; readonly executable: boolean }
  | { readonly kind: "absent" }
  /** A folder, a device, or a link that leads nowhere. */
  | { readonly kind: "other" };

/** Absolute paths in the image, and what is there; links are followed inside of the image only. */
export type ImageFiles = ReadonlyMap<string, ImageFile>;

export interface ReadFilesCall {
  /** As the pull named it. */
  readonly image: string;
  readonly paths: readonly string[];
  /** For each file. */
  readonly maxBytes: number;
}

export function tooLarge(wanted: string, bytes: number, maxBytes: number): ContainerError {
  const message = `${wanted} of the image has ${bytes} bytes, and at most ${maxBytes} are read`;
  return new ContainerError("CONTAINER_FILE_TOO_LARGE", message, { details: { file: wanted } });
}
