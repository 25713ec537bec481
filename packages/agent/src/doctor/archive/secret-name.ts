/** Which names say that their value is a secret: in the files of this machine, and in what programs print. */

/** As part of a pattern that takes no notice of case. */
export const NAMING_WORD =
  "(?:token|passw|passphrase|pwd|psk|secret|credential|private|auth(?!or)|authorization(?!-)|cookie|session|(?:api|access|client|encryption|signing)[_-]?key)";
export const SECRET_NAME = new RegExp(NAMING_WORD, "i");
