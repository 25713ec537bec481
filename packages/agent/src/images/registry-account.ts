/** The account of a registry, as registries.yaml has it. */

export interface RegistryAccount {
  readonly username: string;
  readonly password: string;
}

export interface ToldAccount {
  readonly account: RegistryAccount | undefined;
  /** Why there is none, where another kind of login stands there. */
  readonly passedOver?: string;
}

const IDENTITY_TOKEN =
  "registries.yaml has an identity_token for it, which is not understood: write username and password";

/**
 * @param texts  of the four fields, as they are written; undefined where there is none
 * @returns undefined for an account that is not whole
 */
export function toldAccount(texts: {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly auth: string | undefined;
  readonly identityToken: string | undefined;
}): ToldAccount | undefined {
  const { username, password, auth, identityToken } = texts;
  if (username !== undefined && password !== undefined) return { account: { username, password } };
  const decoded = Buffer.from(auth ?? "", "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon > 0) return { account: { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) } };
  if (identityToken !== undefined) return { account: undefined, passedOver: IDENTITY_TOKEN };
  const isEmpty = [username, password, auth].every((one) => one === undefined);
  return isEmpty ? { account: undefined } : undefined;
}
