/** /etc/passwd, /etc/group and /etc/shadow, as far as users of a cloud-config are concerned. Source: passwd(5), group(5), shadow(5) */

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

export interface Accounts {
  readonly users: ReadonlyMap<string, Account>;
  readonly groups: ReadonlyMap<string, { readonly gid: number; readonly members: ReadonlySet<string> }>;
  /** Hashes by user; only for comparison. */
  readonly hashes: ReadonlyMap<string, string>;
}

export interface AccountTexts {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
}

export function parseAccounts({ passwd, group, shadow }: AccountTexts): Accounts {
  return {
    users: new Map(
      fieldsOf(passwd).map(([name = "", , uid, gid, gecos = "", home = "/", shell = ""]) => [
        name,
        { name, uid: Number(uid), gid: Number(gid), gecos, home, shell },
      ]),
    ),
    groups: new Map(
      fieldsOf(group).map(([name = "", , gid, members = ""]) => [
        name,
        { gid: Number(gid), members: new Set(members.split(",").filter((member) => member !== "")) },
      ]),
    ),
    hashes: new Map(fieldsOf(shadow).map(([name = "", hash = ""]) => [name, hash])),
  };
}

function fieldsOf(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

/** @param word  a name or a number. @returns undefined for a name that is not there */
export function userId(accounts: Accounts, word: string): number | undefined {
  if (word === "root") return 0;
  return accounts.users.get(word)?.uid ?? (/^\d+$/.test(word) ? Number(word) : undefined);
}

export function groupId(accounts: Accounts, word: string): number | undefined {
  if (word === "root") return 0;
  return accounts.groups.get(word)?.gid ?? (/^\d+$/.test(word) ? Number(word) : undefined);
}
