/** The commands. Each is loaded when it is called, so that a short one does not pay for a long one's libraries. */
import type { CommandClass } from "./agent-command.ts";
import { SUMMARIES, type CommandName } from "./summaries.ts";

export const COMMANDS: Readonly<Record<CommandName, () => Promise<CommandClass>>> = {
  abort: async () => (await import("./commands/abort.ts")).Abort,
  "boot-check": async () => (await import("./commands/boot-check.ts")).BootCheck,
  "config apply": async () => (await import("./commands/config/apply.ts")).ConfigApply,
  "config runcmd": async () => (await import("./commands/config/runcmd.ts")).ConfigRuncmd,
  "config show": async () => (await import("./commands/config/show.ts")).ConfigShow,
  "config validate": async () => (await import("./commands/config/validate.ts")).ConfigValidate,
  completion: async () => (await import("./commands/completion.ts")).Completion,
  doctor: async () => (await import("./commands/doctor.ts")).Doctor,
  drain: async () => (await import("./commands/drain.ts")).Drain,
  "get-tpm-hash": async () => (await import("./commands/get-tpm-hash.ts")).GetTpmHash,
  hardware: async () => (await import("./commands/hardware.ts")).Hardware,
  install: async () => (await import("./commands/install.ts")).Install,
  labels: async () => (await import("./commands/labels.ts")).Labels,
  man: async () => (await import("./commands/man.ts")).Man,
  register: async () => (await import("./commands/register.ts")).Register,
  report: async () => (await import("./commands/report.ts")).Report,
  reset: async () => (await import("./commands/reset.ts")).Reset,
  rollback: async () => (await import("./commands/rollback.ts")).Rollback,
  run: async () => (await import("./commands/run.ts")).Run,
  smbios: async () => (await import("./commands/smbios.ts")).SmbiosCommand,
  status: async () => (await import("./commands/status.ts")).Status,
  undrain: async () => (await import("./commands/undrain.ts")).Undrain,
  upgrade: async () => (await import("./commands/upgrade.ts")).Upgrade,
  version: async () => (await import("./commands/version.ts")).Version,
};

export function isCommandName(text: string): text is CommandName {
  return Object.hasOwn(COMMANDS, text);
}

/** Whether commands of two words begin with this one. */
export function isTopic(word: string): boolean {
  return Object.keys(COMMANDS).some((name) => name.startsWith(`${word} `));
}

/** The command that stands at the beginning: its name has one word, or two. */
export function leadingCommand(
  words: readonly string[],
): { readonly name: CommandName; readonly rest: readonly string[] } | undefined {
  const [first = "", second = ""] = words;
  const two = `${first} ${second}`;
  if (isCommandName(two)) return { name: two, rest: words.slice(2) };
  return isCommandName(first) ? { name: first, rest: words.slice(1) } : undefined;
}

/** In the order in which help lists them. */
export function commandNames(): readonly CommandName[] {
  return Object.keys(SUMMARIES).filter(isCommandName);
}
