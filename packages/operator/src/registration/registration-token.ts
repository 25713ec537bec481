/** The secret part of a registration URL. */

const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const LENGTH = 54;
const TOKEN = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);
/** The largest multiple of the alphabet's length below 256: bytes from it on would favour some characters. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length);

/** @param random  gives that many random bytes */
export function newRegistrationToken(random: (bytes: number) => Uint8Array): string {
  let token = "";
  while (token.length < LENGTH) {
    for (const byte of random(LENGTH)) {
      if (byte < FAIR_BYTES && token.length < LENGTH) token += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return token;
}

/** Whether a text has the form of a registration token. */
export function isRegistrationToken(text: string): boolean {
  return TOKEN.test(text);
}
