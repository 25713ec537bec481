/** RSA keys of software TPMs, made from primes: a few hundred primes give ten thousand different keys in seconds. */
import { checkPrimeSync, createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

export type RandomBytes = (sizeBytes: number) => Buffer;

const EXPONENT = 65537n;

/** Small primes whose multiples are not worth a real test. */
const SIEVE = [
  3n,
  5n,
  7n,
  11n,
  13n,
  17n,
  19n,
  23n,
  29n,
  31n,
  37n,
  41n,
  43n,
  47n,
  53n,
  59n,
  61n,
  67n,
  71n,
  73n,
] as const;

/**
 * A prime for an RSA key with exponent 65537. The two highest bits are set, so that two of them give a modulus of
 * exactly twice the size.
 * @param bits         of the prime, a multiple of 8
 * @param randomBytes  the same randomness gives the same prime
 */
export function rsaPrime(bits: number, randomBytes: RandomBytes): bigint {
  const start = BigInt(`0x${randomBytes(bits / 8).toString("hex")}`);
  const top = 3n << BigInt(bits - 2);
  for (let candidate = start | top | 1n; ; candidate += 2n) {
    if (SIEVE.every((prime) => candidate % prime !== 0n) && candidate % EXPONENT !== 1n && checkPrimeSync(candidate)) {
      return candidate;
    }
  }
}

/** Big-endian, without leading zeros. */
export function bigintToBytes(value: bigint): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
}

/** The private key with modulus p * q and exponent 65537. */
export function rsaPrivateKey(p: bigint, q: bigint): KeyObject {
  const phi = (p - 1n) * (q - 1n);
  const d = inverse(EXPONENT, phi);
  const jwk = {
    kty: "RSA",
    n: base64url(p * q),
    e: base64url(EXPONENT),
    d: base64url(d),
    p: base64url(p),
    q: base64url(q),
    dp: base64url(d % (p - 1n)),
    dq: base64url(d % (q - 1n)),
    qi: base64url(inverse(q, p)),
  };
  return createPrivateKey({ format: "jwk", key: jwk });
}

function base64url(value: bigint): string {
  return bigintToBytes(value).toString("base64url");
}

/** Of `value` modulo `modulus`, by Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [oldRest, rest] = [value % modulus, modulus];
  let [oldFactor, factor] = [1n, 0n];
  while (rest !== 0n) {
    const quotient = oldRest / rest;
    [oldRest, rest] = [rest, oldRest - quotient * rest];
    [oldFactor, factor] = [factor, oldFactor - quotient * factor];
  }
  return ((oldFactor % modulus) + modulus) % modulus;
}
