/** Where an operating system comes from that is to be written into a slot. */

export interface SystemLayer {
  /** For progress and messages. */
  readonly name: string;
  /** As it comes; undefined where nobody knows before. */
  readonly sizeBytes: number | undefined;
  /** A tar file, compressed or not. Whoever reads it to its end has got what its digest names. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Buffer>;
}

export interface SystemSource {
  /** sha256:...; undefined for a copy of the live system. */
  readonly digest: string | undefined;
  /** HOST/REPOSITORY@DIGEST, or a folder. */
  readonly reference: string;
  /** How many files there are to be, where that is known: the kernel shows damaged folders of a squashfs as empty ones. */
  readonly inodes?: number;
  /** The lowest first. */
  readonly layers: readonly SystemLayer[];
}
