/** Of `cp CONTAINER:PATH -`: the one file in the tar archive that it prints. */
import { ContainerError } from "../errors.ts";
import { tooLarge, type ImageFile } from "../image-file.ts";

const BLOCK_BYTES = 512;
const EXECUTABLE = 0o111;

/** @throws ContainerError CONTAINER_FILE_TOO_LARGE, CONTAINER_NONSENSE */
export function copiedFile(archive: Buffer, wanted: string, maxBytes: number): ImageFile {
  for (let at = 0; at + BLOCK_BYTES <= archive.length;) {
    const header = archive.subarray(at, at + BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const sizeBytes = octal(header, 124, 12);
    const type = String.fromCodePoint(header[156] ?? 0);
    const content = at + BLOCK_BYTES;
    if (type === "0" || type === "\0") {
      if (sizeBytes > maxBytes) throw tooLarge(wanted, sizeBytes, maxBytes);
      const executable = (octal(header, 100, 8) & EXECUTABLE) !== 0;
      return { kind: "file", content: archive.subarray(content, content + sizeBytes), executable };
    }
    // Extended headers (pax, GNU long names) come before what they are about.
    if (!/[xgLK]/.test(type)) return { kind: "other" };
    at = content + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  throw new ContainerError("CONTAINER_NONSENSE", `the runtime gave no archive with ${wanted}`);
}

function octal(header: Buffer, from: number, length: number): number {
  const digits = /^[ \0]*([0-7]+)/.exec(header.toString("latin1", from, from + length))?.[1];
  if (digits === undefined) throw new ContainerError("CONTAINER_NONSENSE", "the runtime gave an archive that is none");
  return Number.parseInt(digits, 8);
}
