/** TPML_PCR_SELECTION: which platform configuration registers a creation or a quote covers (part 2, 10.9.7). */
import { TPM_ALG, TPM_MAX } from "./constants.ts";
import { readHashAlgorithm } from "./hash-algorithm.ts";
import type { HashAlgorithm } from "./hash-algorithm.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

export interface PcrSelection {
  readonly hash: HashAlgorithm;
  /** one bit a register, register 0 is the lowest bit of the first byte */
  readonly pcrSelect: Buffer;
}

export function readPcrSelections(reader: ByteReader): readonly PcrSelection[] {
  const count = reader.readUint32("pcrSelect.count");
  if (count > TPM_MAX.PCR_SELECTIONS) {
    const allowed = String(TPM_MAX.PCR_SELECTIONS);
    throw reader.failure("TPM_FORMAT_LENGTH", "pcrSelect.count", `is ${String(count)}, allowed are ${allowed}`);
  }
  return Array.from({ length: count }, () => readPcrSelection(reader));
}

export function writePcrSelections(writer: ByteWriter, selections: readonly PcrSelection[]): void {
  writer.writeUint32(selections.length, "pcrSelect.count");
  for (const selection of selections) {
    writer
      .writeUint16(TPM_ALG[selection.hash], "pcrSelect.hash")
      .writeUint8(selection.pcrSelect.length, "pcrSelect.sizeofSelect")
      .writeBytes(selection.pcrSelect);
  }
}

function readPcrSelection(reader: ByteReader): PcrSelection {
  const hash = readHashAlgorithm(reader, "pcrSelect.hash");
  const sizeofSelect = reader.readUint8("pcrSelect.sizeofSelect");
  if (sizeofSelect > TPM_MAX.PCR_SELECT_BYTES) {
    throw reader.failure("TPM_FORMAT_LENGTH", "pcrSelect.sizeofSelect", `is ${String(sizeofSelect)}`);
  }
  return { hash, pcrSelect: reader.readBytes(sizeofSelect, "pcrSelect.pcrSelect") };
}
