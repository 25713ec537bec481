/** One of `users` */
import type { UserSetting } from "../cloud-config.ts";
import { flag, listOf, name, readMap, text, type Judge, type Reader } from "../judge.ts";
import { below, type Located } from "../located.ts";
import { accountPath, groupName, passwordHash, realName, userName } from "./account-words.ts";
import { authorizedKeys } from "./authorized-keys.ts";

/** Of a signed 32-bit number, less those that mean nobody. */
const UID_MAX = 2_147_483_646;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export const user: Reader<UserSetting> = (judge, node, path) => {
  // cloud-init's word for the user that the image brings.
  if (node.kind === "scalar" && node.source === "default") {
    return judge.warn(node.at, path, "there is no default user here; it is left out");
  }
  const found: Mutable<Partial<UserSetting>> = {};
  const isMap = readMap(judge, node, path, {
    name: (value, inner) => set("name", userName(judge, value, inner)),
    gecos: (value, inner) => set("gecos", realName(judge, value, inner)),
    passwd: (value, inner) => set("passwordHash", passwordHash(judge, value, inner)),
    lock_passwd: (value, inner) => set("isLocked", flag(judge, value, inner)),
    groups: (value, inner) => set("groups", groups(judge, value, inner)),
    primary_group: (value, inner) => set("primaryGroup", groupName(judge, value, inner)),
    uid: (value, inner) => set("uid", uid(judge, value, inner)),
    homedir: (value, inner) => set("home", accountPath(judge, value, inner)),
    shell: (value, inner) => set("shell", accountPath(judge, value, inner)),
    system: (value, inner) => set("isSystem", flag(judge, value, inner)),
    no_create_home: (value, inner) => set("withoutHome", flag(judge, value, inner)),
    ssh_authorized_keys: (value, inner) => set("authorizedKeys", authorizedKeys(judge, value, inner)),
  });
  if (isMap === undefined) return undefined;
  if (found.name === undefined) {
    const isMissing = node.kind === "map" && !node.entries.has("name");
    return isMissing ? judge.error(node.at, path, `${name(path)} has no name`) : undefined;
  }
  return { groups: [], authorizedKeys: [], ...found, name: found.name };

  function set<Key extends keyof UserSetting>(key: Key, value: UserSetting[Key] | undefined): void {
    if (value !== undefined) found[key] = value;
  }
};

/** A list, or names with commas between. */
const groups: Reader<readonly string[]> = (judge: Judge, node: Located, path: string) => {
  if (node.kind === "list") return listOf(groupName)(judge, node, path);
  const line = text(judge, node, path);
  if (line === undefined) return undefined;
  const names = line.split(",").map((word) => word.trim());
  const items = names.map((word): Located => ({ kind: "scalar", at: node.at, value: word, source: word }));
  return items.flatMap((item, index) => groupName(judge, item, below(path, index)) ?? []);
};

const uid: Reader<number> = (judge, node, path) => {
  // An empty text is 0 for Number, and 0 is root.
  const value = node.kind === "scalar" && node.source.trim() !== "" ? Number(node.source) : Number.NaN;
  if (Number.isInteger(value) && value >= 0 && value <= UID_MAX) return value;
  return judge.error(node.at, path, `${name(path)} has to be a whole number from 0 to ${UID_MAX}`);
};
