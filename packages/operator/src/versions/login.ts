/** What a channel logs in with, out of a Secret. */
import { ChannelError } from "./errors.ts";

const VALUE_MAX_CHARACTERS = 64 * 1024;

function textOf(secret: unknown, key: string): string | undefined {
  if (typeof secret !== "object" || secret === null || !("data" in secret)) return undefined;
  const { data } = secret;
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, key)) return undefined;
  const value: unknown = Reflect.get(data, key);
  if (typeof value !== "string" || value.length > VALUE_MAX_CHARACTERS) return undefined;
  // Files end with a new line that is no part of a password.
  return Buffer.from(value, "base64")
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** Other types, such as a ServiceAccount's, are for others: who names them here would have them sent to a server of his. */
const TYPES: ReadonlySet<unknown> = new Set(["Opaque", "kubernetes.io/basic-auth"]);

function isHeaderText(text: string): boolean {
  return text !== "" && /^[\x20-\x7e]*$/.test(text);
}

/**
 * @param secret  as the API server gives it; undefined where there is none
 * @param called  for messages: NAMESPACE/NAME
 * @returns       the header Authorization
 * @throws ChannelError CHANNEL_SECRET, without what the Secret holds
 */
export function authorizationOf(secret: unknown, called: string): string {
  if (secret === undefined) throw new ChannelError("CHANNEL_SECRET", `Secret ${called}: is not there`);
  const type: unknown = typeof secret === "object" && secret !== null && "type" in secret ? secret.type : undefined;
  if (!TYPES.has(type)) {
    throw new ChannelError(
      "CHANNEL_SECRET",
      `Secret ${called}: is neither of type Opaque nor of kubernetes.io/basic-auth`,
    );
  }
  const token = textOf(secret, "token");
  if (token !== undefined && isHeaderText(token)) return `Bearer ${token}`;
  const [username, password] = [textOf(secret, "username"), textOf(secret, "password")];
  if (username !== undefined && username !== "" && !username.includes(":") && password !== undefined) {
    return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }
  throw new ChannelError("CHANNEL_SECRET", `Secret ${called}: has neither username and password nor token`);
}
