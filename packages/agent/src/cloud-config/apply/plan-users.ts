/** What has to be done so that users are as a cloud-config wants them, with the system's own programs. */
import type { UserSetting } from "../cloud-config.ts";
import type { Accounts } from "./accounts.ts";
import type { Change } from "./change.ts";

export interface ProgramStep {
  readonly program: "groupadd" | "useradd" | "usermod" | "chpasswd";
  readonly args: readonly string[];
  /** Secrets come this way, never as an argument. */
  readonly stdin?: string;
}

export interface UserPlan {
  readonly change: Change;
  readonly steps: readonly ProgramStep[];
  /** What differs and is left as it is. */
  readonly remarks: readonly string[];
}

/** @param shells  shells that are there. @returns undefined where nothing is to be done */
export function planUser(user: UserSetting, accounts: Accounts, shells: readonly string[]): UserPlan | undefined {
  const account = accounts.users.get(user.name);
  const groupSteps = missingGroups(user, accounts).map((group): ProgramStep => ({
    program: "groupadd",
    args: [group],
  }));
  const password = passwordStep(user, accounts);
  const steps =
    account === undefined
      ? [...groupSteps, addStep(user, accounts, shells), ...password]
      : [...groupSteps, ...modifySteps(user, accounts), ...password];
  const remarks = account === undefined ? [] : leftAlone(user, account);
  if (steps.length === 0 && remarks.length === 0) return undefined;
  const subject = `user ${user.name}`;
  const change = {
    subject,
    before: describeNow(user, accounts),
    after: describeWanted(user, accounts),
    isSecret: false,
  };
  return { change, steps, remarks };
}

function addStep(user: UserSetting, accounts: Accounts, shells: readonly string[]): ProgramStep {
  // useradd makes a group of the user's name, and refuses where it is there.
  const primaryGroup = user.primaryGroup ?? (accounts.groups.has(user.name) ? user.name : undefined);
  const shell = user.shell ?? (user.isSystem === true ? undefined : shells.find((one) => one === "/bin/bash"));
  // The one that useradd makes is not there yet when it looks at the others, and has its user in it anyway.
  const groups = primaryGroup === undefined ? user.groups.filter((group) => group !== user.name) : user.groups;
  const args = [
    ...(user.withoutHome === true || user.isSystem === true ? ["--no-create-home"] : ["--create-home"]),
    ...(user.isSystem === true ? ["--system"] : []),
    ...option("--comment", user.gecos),
    ...option("--home-dir", user.home),
    ...option("--shell", shell),
    ...option("--uid", user.uid?.toString()),
    ...(primaryGroup === undefined ? ["--user-group"] : ["--gid", primaryGroup]),
    ...option("--groups", groups.length === 0 ? undefined : groups.join(",")),
    "--",
    user.name,
  ];
  return { program: "useradd", args };
}

function modifySteps(user: UserSetting, accounts: Accounts): readonly ProgramStep[] {
  const account = accounts.users.get(user.name);
  const groups = user.groups.filter((group) => !isIn(user.name, group, accounts));
  const args = [
    ...option("--comment", user.gecos === account?.gecos ? undefined : user.gecos),
    ...option("--shell", user.shell === account?.shell ? undefined : user.shell),
    ...(groups.length === 0 ? [] : ["--append", "--groups", groups.join(",")]),
  ];
  return args.length === 0 ? [] : [{ program: "usermod", args: [...args, "--", user.name] }];
}

/** As one of its members, or by its primary group, which /etc/group does not say. */
function isIn(name: string, group: string, { users, groups }: Accounts): boolean {
  const found = groups.get(group);
  return found !== undefined && (found.members.has(name) || found.gid === users.get(name)?.gid);
}

function passwordStep(user: UserSetting, accounts: Accounts): readonly ProgramStep[] {
  const wanted = wantedHash(user, accounts);
  if (wanted === undefined || wanted === accounts.hashes.get(user.name)) return [];
  return [{ program: "chpasswd", args: ["--encrypted"], stdin: `${user.name}:${wanted}\n` }];
}

/**
 * Of a user that is there the password stays, and whether it is locked: cloud-init, which has made it, locks where it is not
 * told otherwise, and people change theirs. A bare "!" is what useradd leaves where it was broken off before the password.
 * Source: cloud-init, "Users and groups", lock_passwd
 */
export function keepPassword(
  user: UserSetting,
  accounts: Accounts,
): { readonly user: UserSetting; readonly remark: string | undefined } {
  const hash = accounts.hashes.get(user.name);
  if (!accounts.users.has(user.name) || hash === undefined || hash === "!") return { user, remark: undefined };
  const { passwordHash: _hash, isLocked: _isLocked, ...others } = user;
  const isAnother = passwordStep(user, accounts).length > 0;
  return { user: others, remark: isAnother ? `user ${user.name} has a password already, which stays` : undefined };
}

/** A ! before the hash locks the password and keeps it. Source: passwd(1) --lock */
function wantedHash({ name, passwordHash, isLocked }: UserSetting, accounts: Accounts): string | undefined {
  const hash = passwordHash ?? (isLocked === undefined ? undefined : (accounts.hashes.get(name) ?? "!"));
  if (hash === undefined || isLocked === undefined) return hash;
  const bare = hash.replace(/^!+/, "");
  return isLocked ? `!${bare}` : bare === "" ? undefined : bare;
}

function missingGroups({ groups, primaryGroup, name }: UserSetting, accounts: Accounts): readonly string[] {
  const wanted = new Set([...groups, ...(primaryGroup === undefined ? [] : [primaryGroup])]);
  // Of a new user without a primary group useradd makes the group of its name.
  if (primaryGroup === undefined && !accounts.users.has(name)) wanted.delete(name);
  return [...wanted].filter((group) => !accounts.groups.has(group));
}

/** Files of the user belong to the old number, and are in the old place. */
function leftAlone(user: UserSetting, account: { readonly uid: number; readonly home: string }): readonly string[] {
  const remarks: string[] = [];
  if (user.uid !== undefined && user.uid !== account.uid) {
    remarks.push(`user ${user.name} has the uid ${account.uid} already, which stays`);
  }
  if (user.home !== undefined && user.home !== account.home) {
    remarks.push(`user ${user.name} has the home ${account.home} already, which stays`);
  }
  return remarks;
}

function option(flag: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [flag, value];
}

function describeNow(user: UserSetting, accounts: Accounts): string | undefined {
  const account = accounts.users.get(user.name);
  if (account === undefined) return undefined;
  const groups = user.groups.filter((group) => isIn(user.name, group, accounts));
  return describe(user, {
    gecos: account.gecos,
    shell: account.shell,
    groups,
    password: passwordStep(user, accounts).length === 0 ? "as wanted" : "another",
  });
}

function describeWanted(user: UserSetting, accounts: Accounts): string {
  const account = accounts.users.get(user.name);
  return describe(user, {
    gecos: user.gecos ?? account?.gecos ?? "",
    shell: user.shell ?? account?.shell ?? "the system's",
    groups: user.groups,
    password: "as wanted",
  });
}

function describe(
  { passwordHash, isLocked }: UserSetting,
  now: {
    readonly gecos: string;
    readonly shell: string;
    readonly groups: readonly string[];
    readonly password: string;
  },
): string {
  const lines = [
    `gecos: ${now.gecos}`,
    `shell: ${now.shell}`,
    ...[...now.groups].sort().map((group) => `group: ${group}`),
  ];
  if (passwordHash !== undefined || isLocked !== undefined) lines.push(`password: ${now.password}`);
  return lines.map((line) => `${line}\n`).join("");
}
