/**
 * The fingerprint of RSA keys from the faulty Infineon library (ROCA, CVE-2017-15361): modulo certain small primes their
 * modulus is always a power of 65537. Nemec et al., "The Return of Coppersmith's Attack", ACM CCS 2017, section 3.1.
 */

const GENERATOR = 65537;

/** Primes modulo which the powers of 65537 are few, so that an honest modulus seldom hits them. */
const PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157] as const;

const PRODUCT = PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);

const POWERS: readonly (readonly [prime: number, powers: ReadonlySet<number>])[] = PRIMES.map((prime) => [
  prime,
  powersModulo(prime),
]);

/**
 * Whether an RSA modulus has the fingerprint; honest ones do by chance once in about 2^27.
 * @param modulus  big-endian
 */
export function hasRocaFingerprint(modulus: Buffer): boolean {
  // One division of the large number; the small ones then fit into a few words.
  const residue = BigInt(`0x${modulus.toString("hex")}`) % PRODUCT;
  return POWERS.every(([prime, powers]) => powers.has(Number(residue % BigInt(prime))));
}

function powersModulo(prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * (GENERATOR % prime)) % prime) {
    powers.add(power);
  }
  return powers;
}
