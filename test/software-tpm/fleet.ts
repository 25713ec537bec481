/**
 * Thousands of software TPMs for load generators. They share one attestation key, and their endorsement keys share
 * primes: every pair of a small pool is one machine. Such keys are worthless for anything but a test.
 */
import { randomBytes as cryptoRandomBytes } from "node:crypto";
import { attestationKeyFromJson, generateAttestationKey } from "./attestation-key.ts";
import { rsaEndorsementKey } from "./endorsement-key.ts";
import { pairOf } from "./prime-pairs.ts";
import { rsaPrime } from "./rsa-primes.ts";
import { softwareTpm } from "./software-tpm.ts";
import type { SoftwareAttestationKey } from "./attestation-key.ts";
import type { RandomBytes } from "./rsa-primes.ts";
import type { SoftwareTpm } from "./software-tpm.ts";

const PRIME_BITS = 1024;

export interface FleetJson {
  readonly size: number;
  /** hexadecimal */
  readonly primes: readonly string[];
  /** PKCS #8, base64 */
  readonly ak: string;
}

export interface SoftwareTpmFleet {
  readonly size: number;
  /** The machine of this number, from 0; made when asked for, in about a tenth of a millisecond. */
  at(index: number): SoftwareTpm;
  toJson(): FleetJson;
}

/**
 * @param size         machines; 10,000 need 142 primes, some ten seconds of one core
 * @param randomBytes  the same randomness gives the same endorsement keys
 */
export function createFleet(size: number, randomBytes: RandomBytes = cryptoRandomBytes): SoftwareTpmFleet {
  const primes = new Set<bigint>();
  while ((primes.size * (primes.size - 1)) / 2 < size) {
    primes.add(rsaPrime(PRIME_BITS, randomBytes));
  }
  return fleet(size, [...primes], generateAttestationKey("rsa"));
}

export function importFleet(json: FleetJson): SoftwareTpmFleet {
  const primes = json.primes.map((digits) => BigInt(`0x${digits}`));
  return fleet(json.size, primes, attestationKeyFromJson(json.ak));
}

function fleet(size: number, primes: readonly bigint[], ak: SoftwareAttestationKey): SoftwareTpmFleet {
  return {
    size,
    at: (index) => {
      const [p, q] = pairOf(index).map((place) => primes[place]);
      if (p === undefined || q === undefined || !Number.isInteger(index) || index >= size) {
        throw new RangeError(`the fleet has no machine ${String(index)}`);
      }
      return softwareTpm(rsaEndorsementKey(p, q), ak);
    },
    toJson: () => ({ size, primes: primes.map((prime) => prime.toString(16)), ak: ak.toJson() }),
  };
}
