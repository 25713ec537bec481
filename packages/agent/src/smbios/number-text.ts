/** Numbers in dmidecode's spelling: fixed-width hexadecimal, sizes in powers of 1024, bus addresses. */

const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB"] as const;

/** `0x` and at least `digits` digits, upper case as dmidecode prints handles and addresses. */
export function hexUpper(value: number | bigint, digits: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(digits, "0")}`;
}

/** As `hexUpper`, lower case as dmidecode prints bus numbers and processor signatures. */
export function hexLower(value: number | bigint, digits: number): string {
  return `0x${bareHex(value, digits)}`;
}

export function bareHex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** A handle of another structure. */
export function handleText(handle: number): string {
  return hexUpper(handle, 4);
}

/** 0 is the specification's "unknown" for speeds and capacities. */
export function unknownIfZero(value: number, unit: string): string {
  return value === 0 ? "Unknown" : `${value} ${unit}`;
}

/**
 * A size in the largest unit that takes at most two neighbouring groups of ten bits, smaller groups cut off:
 * 1536 MB, 16383 PB.
 * @param smallestUnit  unit of `size`: 0 bytes, 1 kB, 2 MB
 */
export function sizeText(size: bigint, smallestUnit: 0 | 1 | 2): string {
  let rest = size;
  let group = 0;
  let below = 0n;
  while (rest >= 1024n) {
    below = rest % 1024n;
    rest /= 1024n;
    group += 1;
  }
  const amount = below === 0n ? rest : rest * 1024n + below;
  const unit = UNITS[smallestUnit + (below === 0n ? group : group - 1)];
  return `${amount} ${unit}`;
}

/** Segment, bus, device and function, as lspci writes them. */
export function busAddress(segment: number, bus: number, deviceFunction: number): string {
  const device = bareHex(deviceFunction >>> 3, 2);
  return `${bareHex(segment, 4)}:${bareHex(bus, 2)}:${device}.${deviceFunction & 7}`;
}
