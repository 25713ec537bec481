/** What the maker of the TPM left in NV memory between the endorsement key's certificate and his root. */
import { EK_CHAIN_MAX_BYTES } from "@rancheros/protocol/attestation";

import { TpmError } from "./errors.ts";
import { parseHandles } from "./handle-keeper.ts";
import { readNvIndex } from "./nv-index.ts";
import { splitChain } from "./split-chain.ts";
import type { Tpm2 } from "./tpm2.ts";

/** Source: TCG EK Credential Profile 2.5, 2.2.1.5.2 */
const FIRST_INDEX = 0x01c0_0100;
const LAST_INDEX = 0x01c0_01ff;
/** TPMs allow 1 to 2 KiB in an index, so that these hold more than is sent. */
const INDICES_READ = 8;

/**
 * Most TPMs have none; those of Intel's processors from the 11th generation on have certificates there that nobody else has.
 * One command where there is none, and one for each index: 10 ms each.
 * @returns DER of each in the order in which they lie; what the TPM refuses to read is left out
 * @throws TpmError for everything that is no answer of the TPM: gone, timed out, broken off
 */
export async function readEndorsementChain(tpm2: Tpm2): Promise<readonly Buffer[]> {
  const contents: Uint8Array[] = [];
  let leftBytes = EK_CHAIN_MAX_BYTES;
  for (const index of await chainIndices(tpm2)) {
    if (leftBytes <= 0) break;
    const read = (await unlessRefused(() => readNvIndex(tpm2, index))) ?? new Uint8Array();
    contents.push(read.subarray(0, leftBytes));
    leftBytes -= read.length;
  }
  return splitChain(contents);
}

async function chainIndices(tpm2: Tpm2): Promise<readonly number[]> {
  const listed = await unlessRefused(async () => {
    const text = Buffer.from(await tpm2.run("getcap", "handles-nv-index")).toString("utf8");
    return parseHandles(text).map(Number);
  });
  const indices = (listed ?? []).filter((index) => index >= FIRST_INDEX && index <= LAST_INDEX);
  return indices.toSorted((a, b) => a - b).slice(0, INDICES_READ);
}

/** A chain is a help and no condition: without it the server says what is missing. */
async function unlessRefused<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TpmError)) throw error;
    const isAnswer =
      error.response !== undefined || error.code === "TPM_COMMAND_FAILED" || error.code === "TPM_NONSENSE";
    if (!isAnswer) throw error;
    return undefined;
  }
}
