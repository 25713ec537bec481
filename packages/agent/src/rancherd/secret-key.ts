/** Which names say that their value is a secret. */

const SECRET_KEY =
  /token|passw|passphrase|pass\b|pwd\b|secret|credential|private|auth(?!or)|authorization(?!-)|(?:access|api|encryption|signing)[-_]?key/i;
/** Of options: their value says where the secret is, or how it is treated. */
const ABOUT_A_SECRET = /(?:file|path|dir|stdin|ttl|mode)$/i;
const OPTION = /^--?[\w.-]+$/;

/** @param name  key of a map, variable of an environment, or option without its value */
export function isSecretKey(name: string): boolean {
  return SECRET_KEY.test(name);
}

/** Whether the next argument is a secret: `--token`. */
export function isSecretOption(argument: string): boolean {
  return OPTION.test(argument) && isSecretKey(argument) && !ABOUT_A_SECRET.test(argument);
}
