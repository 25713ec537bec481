/** What a cloud-config says, after everything in it has been looked at. */

export interface UserSetting {
  readonly name: string;
  readonly gecos?: string;
  /** For /etc/shadow. */
  readonly passwordHash?: string;
  readonly isLocked?: boolean;
  readonly groups: readonly string[];
  readonly primaryGroup?: string;
  readonly uid?: number;
  readonly home?: string;
  readonly shell?: string;
  readonly isSystem?: boolean;
  readonly withoutHome?: boolean;
  readonly authorizedKeys: readonly string[];
}

export interface FileSetting {
  readonly path: string;
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
  /** Names or numbers. */
  readonly user: string;
  readonly group: string | undefined;
}

export type RunCommand =
  { readonly kind: "shell"; readonly script: string } | { readonly kind: "program"; readonly argv: readonly string[] };

export interface NtpSetting {
  readonly isEnabled: boolean;
  readonly servers: readonly string[];
  readonly pools: readonly string[];
}

export interface CloudConfig {
  readonly hostname?: string;
  readonly users: readonly UserSetting[];
  /** For the first of the users, or root. */
  readonly authorizedKeys: readonly string[];
  readonly files: readonly FileSetting[];
  readonly commands: readonly RunCommand[];
  readonly ntp?: NtpSetting;
  readonly timezone?: string;
  readonly sysctl: ReadonlyMap<string, string>;
  readonly modules: readonly string[];
  /** rancherd's own affair. */
  readonly rancherd?: Readonly<Record<string, unknown>>;
}

export const EMPTY_CONFIG: CloudConfig = {
  users: [],
  authorizedKeys: [],
  files: [],
  commands: [],
  sysctl: new Map(),
  modules: [],
};

/**
 * Later ones win where there can be one only; users, files, settings and lines of runcmd are told apart by what names them. Of a
 * user that is in several, what a later one does not say is as an earlier one says it.
 */
export function mergeConfigs(configs: readonly CloudConfig[]): CloudConfig {
  return configs.reduce(
    (one, other) => ({
      ...one,
      ...other,
      users: joinUsers(one.users, other.users),
      authorizedKeys: [...new Set([...one.authorizedKeys, ...other.authorizedKeys])],
      files: byPath([...one.files, ...other.files]),
      commands: withoutRepeats(one.commands, other.commands),
      sysctl: new Map([...one.sysctl, ...other.sysctl]),
      modules: [...new Set([...one.modules, ...other.modules])],
    }),
    EMPTY_CONFIG,
  );
}

/**
 * A line that stands in two files is one line, as the answer of a registration holds what its installation has put into /oem:
 * it is there as often as in the file that has it most.
 */
function withoutRepeats(one: readonly RunCommand[], other: readonly RunCommand[]): readonly RunCommand[] {
  const left = new Map<string, number>();
  for (const command of one) left.set(JSON.stringify(command), (left.get(JSON.stringify(command)) ?? 0) + 1);
  const more = other.filter((command) => {
    const text = JSON.stringify(command);
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
  return [...one, ...more];
}

function joinUsers(one: readonly UserSetting[], other: readonly UserSetting[]): readonly UserSetting[] {
  const users = new Map(one.map((user) => [user.name, user]));
  for (const user of other) {
    const before = users.get(user.name);
    users.set(user.name, before === undefined ? user : joinUser(before, user));
  }
  return [...users.values()];
}

function joinUser(before: UserSetting, user: UserSetting): UserSetting {
  return {
    ...before,
    ...user,
    groups: [...new Set([...before.groups, ...user.groups])],
    authorizedKeys: [...new Set([...before.authorizedKeys, ...user.authorizedKeys])],
  };
}

function byPath(files: readonly FileSetting[]): readonly FileSetting[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}
