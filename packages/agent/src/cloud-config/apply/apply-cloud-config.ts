/** Makes a machine what cloud-configs say: with the operating system's own tool, or with its own hands. */
import type { NewFile, RootFiles } from "../../files/index.ts";
import { writeRancherdConfig } from "../../rancherd/index.ts";
import { mergeConfigs, type CloudConfig, type RunCommand, type UserSetting } from "../cloud-config.ts";
import { CloudConfigError } from "../errors.ts";
import { parseAccounts, type Accounts } from "./accounts.ts";
import { attempt } from "./attempt.ts";
import type { Activation, Change } from "./change.ts";
import { chooseTool, type Tool } from "./choose-tool.ts";
import { hasCloudInitBegun, planSeed } from "./cloud-init-seed.ts";
import { filesForYip, keepsHandedOver, leftForYip } from "./hand-over.ts";
import { otherStays, planFiles, type FilePlan } from "./plan-files.ts";
import { keepPassword, planUser, type ProgramStep } from "./plan-users.ts";
import {
  NO_LINES,
  RUN_RECORD_PLACE,
  formatRecord,
  leftToCloudInit,
  parseRecord,
  recordWith,
  takenBack,
  takenByCloudInit,
  type RunRecord,
} from "./run-record.ts";
import { applyTimezone } from "./timezone.ts";

export interface GivenConfig {
  /** Where it comes from, on the machine. */
  readonly path: string;
  readonly text: string;
  readonly config: CloudConfig;
}

export interface ApplyOutside {
  readonly files: RootFiles;
  /** @throws CloudConfigError */
  readonly runStep: (step: ProgramStep, signal: AbortSignal) => Promise<void>;
  /** @returns why it could not be; nothing to do where the machine does not run. */
  readonly activate: (activation: Activation, signal: AbortSignal) => Promise<string | undefined>;
}

export interface ApplyOptions {
  readonly tool: Tool | "auto";
  readonly dryRun: boolean;
  /** Files that belong to it and cannot be read now: what an earlier run has handed over stays. */
  readonly unread?: readonly string[];
  readonly signal: AbortSignal;
}

export interface Applied {
  readonly tool: Tool;
  /** Empty where the machine is as it shall be already. */
  readonly changes: readonly Change[];
  /** What is left as it is, and why. */
  readonly remarks: readonly string[];
  /** What does not fit to this machine or has failed, with everything else applied. */
  readonly problems: readonly string[];
  readonly takesEffect: "now" | "next-start";
}

/** Places that rancherd reads by itself: a second copy of their lists would double them. */
const RANCHERDS_OWN = /^\/oem\/(?:userdata|99_custom\.yaml|rancher\/rancherd\/config\.yaml)(?:\/|\.d\/|$)/;
const ROOT_ONLY = { mode: 0o600, uid: 0, gid: 0, folders: { mode: 0o700, uid: 0, gid: 0 } };

/**
 * Applying twice changes nothing the second time; broken off at any point, applying again does the rest.
 * @param given  valid ones; later ones win
 * @throws CloudConfigError CLOUD_CONFIG_INTERRUPTED; FilesError where the accounts cannot be read
 */
export async function applyThrough(
  outside: ApplyOutside,
  given: readonly GivenConfig[],
  options: ApplyOptions,
): Promise<Applied> {
  const tool = options.tool === "auto" ? await chooseTool(outside.files) : options.tool;
  const run = new ApplyRun(outside, options);
  await run.rancherd(given);
  if (tool === "native") await run.alone(given);
  else if (tool === "yip") await run.yip(given);
  else await run.seed(given);
  const { changes, remarks, problems, takesEffect } = run;
  return { tool, changes, remarks, problems, takesEffect };
}

class ApplyRun {
  readonly changes: Change[] = [];
  readonly remarks: string[] = [];
  readonly problems: string[] = [];
  takesEffect: Applied["takesEffect"] = "next-start";
  #hasSeed = false;
  #keepsPasswords = false;
  readonly #outside: ApplyOutside;
  readonly #options: ApplyOptions;

  constructor(outside: ApplyOutside, options: ApplyOptions) {
    this.#outside = outside;
    this.#options = options;
  }

  async rancherd(given: readonly GivenConfig[]): Promise<void> {
    const answer = answerIn(given);
    if (answer === undefined) return;
    const { files } = this.#outside;
    await attempt(this.problems, async () => {
      const { path, before, after, isChanged, kept } = await writeRancherdConfig(files, answer, this.#options);
      if (isChanged) this.changes.push({ subject: path, before, after, isSecret: true });
      this.#remark(kept.map(otherStays));
    });
  }

  async yip(given: readonly GivenConfig[]): Promise<void> {
    const wanted = filesForYip(given);
    await attempt(this.problems, async () => {
      const { files } = this.#outside;
      const names = ((await files.list("/oem")) ?? []).map(({ name }) => name);
      if (keepsHandedOver(names, this.#options.unread ?? [])) return;
      await this.handOver(wanted);
      for (const subject of leftForYip(names, wanted)) {
        const change = { subject, before: "(a cloud-config of an earlier run)\n", after: "", isSecret: false };
        await this.#do(change, () => files.remove(subject));
      }
    });
  }

  /** Once cloud-init has begun with an earlier seed it leaves users, files and commands of a later one alone: they are done here. */
  async seed(given: readonly GivenConfig[]): Promise<void> {
    await attempt(this.problems, async () => {
      const { files, problem, hasBegun, isNews, isThere } = await planSeed(this.#outside.files, given);
      const keepsSeed = isThere && (this.#options.unread ?? []).length > 0;
      this.#hasSeed = problem === undefined;
      if (problem !== undefined) this.problems.push(problem);
      else if (keepsSeed && !hasBegun) return;
      else if (!hasBegun) await this.#leaveCommands(given);
      else if (!isNews) await this.#laterCommands(given);
      // As long as the seed is the old one, the next start takes it for news and tries again.
      else if (!(await this.#news(given)) || keepsSeed) return;
      await this.handOver(files);
    });
  }

  /** Also where cloud-init has been switched off since it began: the users that it made have their passwords, and change them. */
  async alone(given: readonly GivenConfig[]): Promise<void> {
    await attempt(this.problems, async () => {
      this.#keepsPasswords = await hasCloudInitBegun(this.#outside.files);
    });
    await this.natively(given);
  }

  /** @returns whether all of it could be applied */
  async #news(given: readonly GivenConfig[]): Promise<boolean> {
    this.#keepsPasswords = true;
    const before = this.problems.length;
    await this.natively(given);
    return this.problems.length === before;
  }

  async handOver(wanted: readonly NewFile[]): Promise<void> {
    for (const file of wanted) await attempt(this.problems, () => this.#handOverFile(file));
  }

  async #handOverFile(file: NewFile): Promise<void> {
    const found = await this.#outside.files.read(file.path);
    const after = String(file.content);
    const before = found?.content.toString("utf8");
    if (found !== undefined && before === after && found.mode === file.mode) return;
    await this.#do({ subject: file.path, before, after, isSecret: true }, () => this.#outside.files.replace(file));
  }

  async natively(given: readonly GivenConfig[]): Promise<void> {
    this.takesEffect = "now";
    const config = mergeConfigs(given.map((one) => one.config));
    await this.#users(config);
    const { files } = this.#outside;
    const options = { dryRun: this.#options.dryRun, answer: answerIn(given) };
    const { plans, problems, remarks } = await planFiles(files, config, await this.#accounts(), options);
    this.problems.push(...problems);
    this.#remark(remarks);
    for (const plan of plans) await attempt(this.problems, () => this.#file(plan));
    await attempt(this.problems, () => this.#timezone(config));
    if (config.ntp?.isEnabled === false) {
      this.remarks.push(
        "ntp.enabled is false: nothing is configured; `systemctl disable systemd-timesyncd` switches it off",
      );
    }
    await attempt(this.problems, () => this.#laterCommands(given));
  }

  async #leaveCommands(given: readonly GivenConfig[]): Promise<void> {
    // Of several files cloud-init takes the list from the last one that has it; what stands in the others waits until it has begun.
    const taken = given.findLast(({ config }) => config.commands.length > 0)?.config.commands ?? [];
    await this.#commands(given, (record, _commands, from) => leftToCloudInit(record ?? NO_LINES, taken, from));
  }

  async #laterCommands(given: readonly GivenConfig[]): Promise<void> {
    this.takesEffect = "now";
    // Also where it has been switched off since: what it was given by then it has had.
    const hasBegun = await hasCloudInitBegun(this.#outside.files);
    const known = hasBegun ? takenByCloudInit : takenBack;
    await this.#commands(given, (record, commands, from) => {
      // Of earlier agents, which kept no record of what cloud-init was given: it had all of it.
      const before =
        hasBegun && record === undefined ? leftToCloudInit(NO_LINES, commands, from) : (record ?? NO_LINES);
      return recordWith(known(before), commands, from);
    });
  }

  async #users({ users }: CloudConfig): Promise<void> {
    const shells = (await this.#isThere("/bin/bash")) ? ["/bin/bash"] : [];
    for (const user of users) await attempt(this.problems, () => this.#user(user, shells), `user ${user.name}`);
  }

  async #user(user: UserSetting, shells: readonly string[]): Promise<void> {
    const accounts = await this.#accounts();
    const kept = this.#keepsPasswords ? keepPassword(user, accounts) : undefined;
    if (kept?.remark !== undefined) this.remarks.push(kept.remark);
    const plan = planUser(kept?.user ?? user, accounts, shells);
    if (plan === undefined) return this.#home(user);
    this.remarks.push(...plan.remarks);
    if (plan.steps.length === 0) return;
    await this.#do(plan.change, async () => {
      for (const step of plan.steps) await this.#outside.runStep(step, this.#options.signal);
    });
  }

  /** useradd makes it last: broken off before, the user is there and its home is not. */
  async #home({ name, isSystem, withoutHome }: UserSetting): Promise<void> {
    const account = (await this.#accounts()).users.get(name);
    if (account === undefined || isSystem === true || withoutHome === true) return;
    if (await this.#isThere(account.home)) return;
    const { home, uid, gid } = account;
    const change: Change = { subject: home, before: undefined, after: "(a folder)\n", isSecret: false };
    await this.#do(change, () => this.#outside.files.makeFolder(home, { mode: 0o700, uid, gid }));
  }

  async #timezone({ timezone }: CloudConfig): Promise<void> {
    if (timezone === undefined) return;
    const { change, problem, apply } = await applyTimezone(this.#outside.files, timezone);
    if (problem !== undefined) this.problems.push(problem);
    if (change !== undefined) await this.#do(change, apply);
  }

  async #file({ change, file }: FilePlan): Promise<void> {
    await this.#do(change, () => this.#outside.files.replace(file));
  }

  /** They run after the start, in a service of their own. @param next  what the record becomes */
  async #commands(
    given: readonly GivenConfig[],
    next: (record: RunRecord | undefined, commands: readonly RunCommand[], from: string) => RunRecord,
  ): Promise<void> {
    const { commands } = mergeConfigs(given.map(({ config }) => config));
    const found = await this.#outside.files.read(RUN_RECORD_PLACE);
    const before = found?.content.toString("utf8");
    const recorded = before === undefined ? undefined : parseRecord(before);
    const content = formatRecord(next(recorded, commands, given.map(({ path }) => path).join(" ")));
    // With cloud-init an empty one says as well what it was given: nothing.
    const isNeeded = recorded !== undefined || this.#hasSeed;
    if (content === (isNeeded ? recorded && formatRecord(recorded) : formatRecord(NO_LINES))) return;
    const change: Change = { subject: RUN_RECORD_PLACE, before, after: content, isSecret: true };
    await this.#do(change, () => this.#outside.files.replace({ path: RUN_RECORD_PLACE, content, ...ROOT_ONLY }));
  }

  async #do(change: Change, work: () => Promise<void>): Promise<void> {
    const { signal, dryRun } = this.#options;
    if (signal.aborted) throw new CloudConfigError("CLOUD_CONFIG_INTERRUPTED", "applying was broken off");
    if (!dryRun) await work();
    this.changes.push(change);
    if (dryRun || change.activates === undefined) return;
    const problem = await this.#outside.activate(change.activates, signal);
    if (problem !== undefined) this.remarks.push(`${problem}; the next start applies it`);
  }

  async #accounts(): Promise<Accounts> {
    const text = async (path: string): Promise<string> =>
      (await this.#outside.files.read(path))?.content.toString("utf8") ?? "";
    return parseAccounts({
      passwd: await text("/etc/passwd"),
      group: await text("/etc/group"),
      shadow: await text("/etc/shadow"),
    });
  }

  async #isThere(path: string): Promise<boolean> {
    return (await this.#outside.files.kind(path)) !== undefined;
  }

  /** Each once. */
  #remark(remarks: readonly string[]): void {
    this.remarks.push(...remarks.filter((one) => !this.remarks.includes(one)));
  }
}

/** What rancherd does not read by itself. */
function answerIn(given: readonly GivenConfig[]): CloudConfig["rancherd"] {
  return given.findLast(({ path, config }) => config.rancherd !== undefined && !RANCHERDS_OWN.test(path))?.config
    .rancherd;
}
