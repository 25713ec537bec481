/** `ssh_authorized_keys`: one key a line, as in ~/.ssh/authorized_keys. */
import { listOf, name, text, type Reader } from "../judge.ts";

/** Options, kind, key, comment. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT */
const KEY =
  /^(?:[^\s"]+(?:"(?:[^"\\]|\\.)*"[^\s"]*)*\s+)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)\s+[A-Za-z0-9+/]{20,}={0,2}(?:\s.*)?$/;
const FETCHED = /^(?:github|gitlab|gist):/;
const KEY_MAX_CHARACTERS = 16_384;

const authorizedKey: Reader<string> = (judge, node, path) => {
  const key = text(judge, node, path)?.trim();
  if (key === undefined) return undefined;
  if (FETCHED.test(key)) {
    return judge.warn(
      node.at,
      path,
      `${name(path)} would have to be fetched from the internet: only yip does that; it is left out`,
    );
  }
  if (key.length <= KEY_MAX_CHARACTERS && !/\p{Cc}/u.test(key) && KEY.test(key)) return key;
  return judge.error(node.at, path, `${name(path)} is no public key of SSH, such as ssh-ed25519 AAAA... comment`);
};

export const authorizedKeys = listOf(authorizedKey);
