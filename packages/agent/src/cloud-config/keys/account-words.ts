/** What may stand in /etc/passwd and /etc/group, and on the command lines of the programs that write them. */
import { textLike } from "../judge.ts";

const WORD = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

export const userName = textLike(WORD, "a user's name of letters, digits, _, - and dots, of at most 32 characters");
export const groupName = textLike(WORD, "a group's name of letters, digits, _, - and dots, of at most 32 characters");
export const realName = textLike(/^[^:\p{Cc}]{0,256}$/u, "a name without colons, on one line");
export const accountPath = textLike(/^\/[^:\p{Cc}]{0,1023}$/u, "an absolute path without colons");
/** Source: crypt(5): `$id$...`; ! and * lock */
export const passwordHash = textLike(
  /^(?:[!*]{1,2}|!{0,2}\$[0-9a-z]{1,10}\$[\x21-\x39\x3b-\x7e]{8,400})$/,
  "a hash as `openssl passwd -6` prints it",
);
