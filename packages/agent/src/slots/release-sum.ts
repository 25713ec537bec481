/** By what the first program of a slot knows a release again: what `cksum` says of its file. Source: POSIX, cksum; boot/image/init */

const POLYNOMIAL = 0x04c11db7;

/** @returns checksum and length, as `cksum` prints them of its standard input */
export function releaseSum(release: Uint8Array): string {
  let crc = 0;
  const take = (byte: number): void => {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? POLYNOMIAL : 0);
  };
  for (const byte of release) take(byte);
  for (let length = release.length; length > 0; length = Math.floor(length / 256)) take(length % 256);
  return `${~crc >>> 0} ${release.length}`;
}
