/** The file in which tpm2_startauthsession keeps a session. */

/** Every file of tpm2-tools starts so, and so does the saved context inside this one. */
const MAGIC = Buffer.from([0xba, 0xdc, 0xc0, 0xde]);
const HEADER_BYTES = 8;
/** The inner header: magic, version, hierarchy; the handle follows. */
const HANDLE_OFFSET_BYTES = 12;
/** TPM_HT: sessions have 0x02 (HMAC) or 0x03 (policy) as their first byte. */
const POLICY_SESSION = 0x03;

/**
 * The handle of a saved policy session, by which it can be flushed in whatever state a broken-off tool left it.
 * @param bytes  the file
 * @returns      `0x03......`, or undefined when the file is not of a form that we know (another version of the tools)
 * Source: tpm2-tools 5.4 (magic, version, type, hash, then magic, version and the fields of TPMS_CONTEXT);
 *         TPM 2.0 Library part 2, 14.5 (TPMS_CONTEXT: savedHandle is the session's own handle)
 */
export function readSessionHandle(bytes: Uint8Array): string | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.indexOf(MAGIC) !== 0) return undefined;
  const inner = file.indexOf(MAGIC, HEADER_BYTES);
  if (inner < 0 || inner + HANDLE_OFFSET_BYTES + 4 > file.length) return undefined;
  const handle = file.readUInt32BE(inner + HANDLE_OFFSET_BYTES);
  return handle >>> 24 === POLICY_SESSION ? `0x${handle.toString(16).padStart(8, "0")}` : undefined;
}
