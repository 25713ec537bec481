/** `ros-agent install`: settings from everywhere, registration, the source, and then the disk. */
import {
  attendInstallation,
  installMachine,
  consoleArguments,
  findInstalledNow,
  InstallError,
  kernelCommandLine,
  readInstalled,
  sizeText,
  type AfterInstall,
  type InstallPlan,
  type InstallSettings,
  type InstalledStart,
} from "@rancheros/agent/install";
import { startedSlot } from "@rancheros/agent/slots";
import type { CodedError } from "@rancheros/protocol/errors";

import { askInstall, askYesNo, isErasedUnasked } from "./ask-install.ts";
import { describeError } from "./describe-error.ts";
import { describeInstallPlan, installedText, installProgress } from "./describe-install.ts";
import type { InstallFlagValues, InstallRun } from "./install-flags.ts";
import { startOrRefuse, startRefused } from "./install-kept.ts";
import { installRegistration, pipedCa } from "./install-registration.ts";
import { installSource } from "./install-source.ts";
import { gatherSettings } from "./install-settings.ts";
import { oemFiles } from "./oem-files.ts";

/** Result of `install --json`. */
export interface InstallJson {
  readonly sentence: string;
  readonly outcome: "installed" | "planned" | "not-automatic" | "installed-before" | "starts-installed";
  readonly device: string | undefined;
  readonly why: string | undefined;
  readonly source: string | undefined;
  readonly kernelArguments: string | undefined;
  readonly partitions: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly disks: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly against: string | undefined;
  }[];
  readonly registered: boolean;
  readonly restart: AfterInstall;
  /** What did not spoil the installation. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** @throws InstallError, SlotError, and what registration and the registry do */
export async function runInstall(run: InstallRun): Promise<InstallJson> {
  const { flags } = run;
  const commandLine = kernelCommandLine();
  if (startedSlot(commandLine) !== undefined) {
    throw new InstallError("INSTALL_NOT_LIVE", "this machine was started from a slot");
  }
  const install = (): Promise<InstallJson> => installLive(run, commandLine);
  if (!flags.automatic) return flags["dry-run"] ? install() : attendInstallation(flags["work-folder"], install);
  const before = await installedNow(run);
  return before === undefined ? install() : installedBefore(staysOn(flags) ? undefined : before.after);
}

async function installLive(run: InstallRun, commandLine: string): Promise<InstallJson> {
  const { flags, surroundings, remark } = run;
  const first = await gatherSettings(run, commandLine, undefined);
  if (flags.automatic && !first.settings.automatic) return notAutomatic();
  const asked = await askInstall(first.settings, run);
  const piped = await pipedCa(first.settings, surroundings.signal);
  const answer = await installRegistration(run, { ...first.settings, ...asked }, piped, () =>
    startRefused(run, first.settings, commandLine),
  );
  if (answer?.kind === "starts-installed") return startsInstalled(answer.next, false);
  const registered = answer?.document;
  const { settings, document } = registered === undefined ? first : first.withAnswer(registered);
  for (const warning of settings.warnings) remark(`warning: ${warning}`);
  const next = flags.automatic && !flags["dry-run"] ? await startOrRefuse(run, settings, commandLine) : undefined;
  if (next !== undefined) return startsInstalled(next, registered !== undefined);
  const { source, systemBytes } = await installSource(run, settings);
  const isAutomatic = isErasedUnasked(first.settings, settings, { hasTerminal: process.stdin.isTTY, asks: flags.ask });
  const warnings: CodedError[] = [];
  const after = whatFollows(flags, settings);
  const plan = await installMachine(
    {
      rule: settings.rule,
      source,
      systemBytes,
      slotBytes: settings.slotBytes,
      kernelArguments: settings.kernelArguments ?? consoleArguments(commandLine),
      files: await oemFiles({ ...settings, ...asked }, registered ?? document, { signal: surroundings.signal, piped }),
      confirm: (planned) => (isAutomatic ? Promise.resolve(true) : confirmErasing(planned, surroundings.signal)),
      dryRun: flags["dry-run"],
      reinstall: settings.reinstall,
      signal: surroundings.signal,
      onPlan: (planned) => remark(describeInstallPlan(planned)),
      onProgress: installProgress(remark),
      onWarning(error) {
        warnings.push(error);
        remark(`warning: ${describeError(error, { withStack: false }).trimEnd()}`);
      },
    },
    flags["work-folder"],
    { after, isAsked: !flags.automatic },
  );
  return outcomeOf(plan, { after, isDry: flags["dry-run"], isRegistered: registered !== undefined, warnings });
}

/** By the mark of who came to its end, else by the disk. Nothing of a network is needed for it. */
async function installedNow({
  flags,
  surroundings,
}: InstallRun): Promise<{ readonly after: AfterInstall } | undefined> {
  const marked = await readInstalled(flags["work-folder"]);
  return marked ?? findInstalledNow(flags.device, surroundings.signal);
}

function confirmErasing({ choice: { disk }, installed }: InstallPlan, signal: AbortSignal): Promise<boolean> {
  const lost = installedText(installed);
  const also = lost === undefined ? "" : `, also ${lost},`;
  const which = `${disk.path} (${sizeText(disk.sizeBytes)} ${disk.model})${also}`;
  return askYesNo(`Everything on ${which} will be erased. Go on?`, signal);
}

function staysOn(flags: InstallFlagValues): boolean {
  return flags["dry-run"] || flags["no-restart"];
}

function whatFollows(flags: InstallFlagValues, { powerOff }: InstallSettings): AfterInstall {
  if (staysOn(flags)) return undefined;
  return flags["power-off"] || powerOff ? "poweroff" : "reboot";
}

const SENTENCES = { reboot: " The machine restarts.", poweroff: " The machine is switched off." } as const;

function outcomeOf(
  { choice, layout, source, kernelArguments }: InstallPlan,
  {
    after,
    isDry,
    isRegistered,
    warnings,
  }: {
    readonly after: AfterInstall;
    readonly isDry: boolean;
    readonly isRegistered: boolean;
    readonly warnings: readonly CodedError[];
  },
): InstallJson {
  const then = after === undefined ? "" : SENTENCES[after];
  return {
    sentence: isDry
      ? `Would install ${source} to ${choice.disk.path}.`
      : `Installed ${source} to ${choice.disk.path}.${then}`,
    outcome: isDry ? "planned" : "installed",
    device: choice.disk.path,
    why: choice.why,
    source,
    kernelArguments,
    partitions: layout.partitions.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
    disks: choice.judged.map(({ disk, against }) => ({ path: disk.path, sizeBytes: disk.sizeBytes, against })),
    registered: isRegistered,
    restart: after,
    warnings: warnings.map(({ code, message }) => ({ code, message })),
  };
}

function notAutomatic(): InstallJson {
  const sentence =
    "The settings do not say rancheros.install.automatic: nothing is done. Start `ros-agent install` to be asked.";
  return { ...NOTHING_DONE, sentence, outcome: "not-automatic" };
}

/** Whoever installed it may not have come to the restart. */
function installedBefore(restart: AfterInstall): InstallJson {
  const then = restart === undefined ? "" : SENTENCES[restart];
  const sentence = `This machine has been installed since it was started: nothing is erased.${then}`;
  return { ...NOTHING_DONE, sentence, outcome: "installed-before", restart };
}

/** The firmware was told so, and nothing on a disk is changed. */
function startsInstalled({ disk, entry }: InstalledStart, registered: boolean): InstallJson {
  const sentence = `The machine restarts from ${disk}, which is installed: its firmware starts that next (${entry}).`;
  return { ...NOTHING_DONE, sentence, outcome: "starts-installed", device: disk, registered, restart: "reboot" };
}

const NOTHING_DONE = {
  device: undefined,
  why: undefined,
  source: undefined,
  kernelArguments: undefined,
  partitions: [],
  disks: [],
  registered: false,
  restart: undefined,
  warnings: [],
} as const;
