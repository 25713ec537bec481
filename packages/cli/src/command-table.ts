/** The commands. Each is loaded when it is called, so that a short one does not pay for a long one's libraries. */
import type { CommandClass } from "./agent-command.ts";
import { SUMMARIES, type CommandName } from "./summaries.ts";

export const COMMANDS: Readonly<Record<CommandName, () => Promise<CommandClass>>> = {
  abort: async () => (await import("./commands/abort.ts")).Abort,
  "boot-check": async () => (await import("./commands/boot-check.ts")).BootCheck,
  drain: async () => (await import("./commands/drain.ts")).Drain,
  "get-tpm-hash": async () => (await import("./commands/get-tpm-hash.ts")).GetTpmHash,
  hardware: async () => (await import("./commands/hardware.ts")).Hardware,
  install: async () => (await import("./commands/install.ts")).Install,
  labels: async () => (await import("./commands/labels.ts")).Labels,
  register: async () => (await import("./commands/register.ts")).Register,
  report: async () => (await import("./commands/report.ts")).Report,
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

/** In the order in which help lists them. */
export function commandNames(): readonly CommandName[] {
  return Object.keys(SUMMARIES).filter(isCommandName);
}
