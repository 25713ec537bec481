/** RSA moduli with the fingerprint of the faulty Infineon library, CVE-2017-15361: anybody can factor real ones. */

/** The primes of the published fingerprint; a modulus of the faulty library is a power of 65537 modulo their product. */
export const ROCA_PRODUCT = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157].reduce(
  (product, prime) => product * BigInt(prime),
  1n,
);

/** An odd number of 2048 bits that is 65537 to this power modulo ROCA_PRODUCT. */
export function rocaModulus(power: number): Buffer {
  let residue = 1n;
  for (let step = 0; step < power; step += 1) residue = (residue * 65_537n) % ROCA_PRODUCT;
  const base = (1n << 2047n) + (1n << 1000n);
  let modulus = base - (base % ROCA_PRODUCT) + ROCA_PRODUCT + residue;
  modulus += modulus % 2n === 0n ? ROCA_PRODUCT : 0n;
  return Buffer.from(modulus.toString(16), "hex");
}
