/** The two key derivation functions of TPM 2.0. */
import { createHash, createHmac } from "node:crypto";

/** Of the hash algorithms that endorsement keys name. */
export type DerivationHash = "sha256" | "sha384";

const DIGEST_BYTES: Readonly<Record<DerivationHash, number>> = { sha256: 32, sha384: 48 };

export type Kdfa = (
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  sizeBytes: number,
) => Buffer;

/**
 * KDFa with this hash: HMAC in counter mode of SP 800-108. Source: TPM 2.0 Library part 1, 11.4.10.2.
 * Of the function, label is ASCII without the zero byte that ends it in the computation; sizeBytes is the result's.
 */
export function kdfaWith(hash: DerivationHash): Kdfa {
  return (key, label, contextU, contextV, sizeBytes) => {
    const bits = uint32(sizeBytes * 8);
    return inBlocks(sizeBytes, DIGEST_BYTES[hash], (counter) =>
      createHmac(hash, key)
        .update(counter)
        .update(`${label}\0`, "latin1")
        .update(contextU)
        .update(contextV)
        .update(bits)
        .digest(),
    );
  };
}

export const kdfa: Kdfa = kdfaWith("sha256");

/**
 * KDFe with SHA-256: the concatenation KDF of SP 800-56A for ECDH. Source: TPM 2.0 Library part 1, 11.4.10.3.
 * @param sharedX    x coordinate of the ECDH point, filled to the size of the curve
 * @param use        ASCII, without the zero byte
 * @param partyUInfo x coordinate of the ephemeral key
 * @param partyVInfo x coordinate of the recipient's key
 */
export function kdfe(
  sharedX: Uint8Array,
  use: string,
  partyUInfo: Uint8Array,
  partyVInfo: Uint8Array,
  sizeBytes: number,
): Buffer {
  return inBlocks(sizeBytes, DIGEST_BYTES.sha256, (counter) =>
    createHash("sha256")
      .update(counter)
      .update(sharedX)
      .update(`${use}\0`, "latin1")
      .update(partyUInfo)
      .update(partyVInfo)
      .digest(),
  );
}

function inBlocks(sizeBytes: number, blockBytes: number, block: (counter: Buffer) => Buffer): Buffer {
  const count = Math.ceil(sizeBytes / blockBytes);
  const blocks = Array.from({ length: count }, (_, index) => block(uint32(index + 1)));
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
