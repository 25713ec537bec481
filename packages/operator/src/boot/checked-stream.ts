/** Bytes that turn out not to be those of their digest never become a whole file. */
import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { BootError } from "./errors.ts";

export interface Expected {
  /** sha256:HEX; undefined for a part, of which only the size is known. */
  readonly digest: string | undefined;
  readonly sizeBytes: number;
}

/**
 * Lets bytes through, but the last piece only when all of them have the digest and the size: who reads less than the size
 * knows that the file is not whole.
 */
export function checkedStream(
  { digest, sizeBytes }: Expected,
  onTaken: (bytes: number) => void = () => undefined,
): Transform {
  const hash = createHash("sha256");
  let bytes = 0;
  let held: Buffer | undefined;
  const broken = (why: string): BootError =>
    new BootError("BOOT_MEDIA_BROKEN", `${digest ?? "a part of a blob"}: ${why}`);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onTaken(chunk.length);
      if (bytes > sizeBytes) return done(broken(`more than ${sizeBytes} bytes`));
      hash.update(chunk);
      const before = held;
      held = chunk;
      return before === undefined ? done() : done(null, before);
    },
    flush(done) {
      if (bytes !== sizeBytes) return done(broken(`${bytes} bytes instead of ${sizeBytes}`));
      if (digest !== undefined && `sha256:${hash.digest("hex")}` !== digest)
        return done(broken("other bytes than the digest says"));
      return held === undefined ? done() : done(null, held);
    },
  });
}
