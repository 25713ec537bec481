/** The settings of an installation, from the medium, the kernel's command line, configUrl, the operator and the flags. */
import {
  documentFields,
  fetchDocument,
  invalidSettings,
  InstallError,
  judgeKernelWords,
  judgeSections,
  kernelFields,
  mergeFields,
  readSettings,
  type DocumentProblem,
  type InstallSettings,
  type SettingsFields,
} from "@rancheros/agent/install";
import { isAbsent, isCodedError } from "@rancheros/protocol/errors";

import { parseCloudConfig } from "./cloud-config-text.ts";
import { CliError } from "./errors.ts";
import type { InstallFlagValues, InstallRun } from "./install-flags.ts";
import { installPause } from "./install-pause.ts";
import { mergeDocuments } from "./merge-documents.ts";
import { readTextFile } from "./read-text-file.ts";
import type { Surroundings } from "./surroundings.ts";

/** A cloud-config. */
export type InstallDocument = Readonly<Record<string, unknown>>;

export interface GatheredSettings {
  readonly settings: InstallSettings;
  /** What the machine shall become, where no operator says it. */
  readonly document: InstallDocument;
  /**
   * The same with the operator's answer. Nothing is read again: a pipe would be empty, which looks like a file without settings.
   * @throws InstallError INSTALL_SETTINGS_INVALID
   */
  readonly withAnswer: (answer: InstallDocument | undefined) => GatheredSettings;
}

const MEDIUM = "/run/live/medium/config";
const DOCUMENTS_MAX = 8;
const TRIES_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000] as const;

/**
 * @param answer  the operator's; its settings win over all but the flags'
 * @throws InstallError INSTALL_SETTINGS_INVALID, INSTALL_CONFIG_UNREADABLE; CliError for a file that is not there, or no cloud-config
 */
export async function gatherSettings(
  run: InstallRun,
  commandLine: string,
  answer: InstallDocument | undefined,
): Promise<GatheredSettings> {
  const { flags } = run;
  const medium = await mediumDocument(run);
  const odd = [...sectionWarnings(judgeKernelWords(commandLine)), ...sectionWarnings(judgeSections(medium))];
  const near = mergeFields(documentFields(medium), kernelFields(commandLine));
  const urls = readSettings(mergeFields(near, flagFields(flags))).configUrls.slice(0, DOCUMENTS_MAX);
  const far: InstallDocument[] = [];
  for (const url of urls) far.push(await patiently(run, url));
  odd.push(...sectionWarnings(far.flatMap(judgeSections)));
  const told = mergeFields(near, ...far.map(documentFields));
  const document = mergeDocuments([medium, ...far]);
  const withAnswer = (given: InstallDocument | undefined): GatheredSettings => {
    const settings = readSettings(mergeFields(told, documentFields(given), flagFields(flags)));
    const rule = { ...settings.rule, isByHand: flags.device !== undefined };
    const warnings = [...odd, ...sectionWarnings([given].flatMap(judgeSections)), ...settings.warnings];
    return { settings: { ...settings, rule, warnings }, document, withAnswer };
  };
  return withAnswer(answer);
}

/** @throws InstallError INSTALL_SETTINGS_INVALID: settings under a name that is nearly the right one are not none */
function sectionWarnings(problems: readonly DocumentProblem[]): readonly string[] {
  const told = (wanted: DocumentProblem["severity"]): readonly string[] =>
    problems.filter(({ severity }) => severity === wanted).map(({ path, sentence }) => `${path.join(".")} ${sentence}`);
  const wrong = told("error");
  if (wrong.length > 0) throw invalidSettings("settings of the installation", wrong);
  return told("warning");
}

async function mediumDocument({ flags, surroundings }: InstallRun): Promise<InstallDocument> {
  if (flags.config !== undefined) return documentOf(await namedDocument(flags.config, surroundings), flags.config);
  const text = await fetchDocument(MEDIUM, surroundings).catch((error: unknown) => {
    // A medium that is there and cannot be read is not one that says nothing.
    if (error instanceof InstallError && isAbsent(error.cause)) return undefined;
    throw error;
  });
  return text === undefined ? {} : documentOf(text, MEDIUM);
}

/** A file that the command line names is that of any other command; what a setting names may be a page. */
function namedDocument(config: string, surroundings: Surroundings): Promise<string> {
  return /^([a-z]+:\/\/|file:)/.test(config)
    ? fetchDocument(config, surroundings)
    : readTextFile(config, surroundings.signal);
}

/** The network of a live system comes up late. */
async function patiently(run: InstallRun, url: string): Promise<InstallDocument> {
  const { surroundings, remark } = run;
  for (const delayMs of TRIES_MS) {
    try {
      return await farDocument(run, url);
    } catch (error) {
      if (!isCodedError(error) || error.retry === "never" || surroundings.signal.aborted) throw error;
      remark(`${error.message}; trying again`);
      await installPause(delayMs, surroundings.signal);
    }
  }
  return farDocument(run, url);
}

/** A file stays what it is. What a server answers may be the word of a proxy, or half written, and another one soon. */
async function farDocument({ surroundings }: InstallRun, url: string): Promise<InstallDocument> {
  const text = await fetchDocument(url, surroundings);
  try {
    return documentOf(text, placeOf(url));
  } catch (cause) {
    if (!isPage(url) || !(cause instanceof CliError)) throw cause;
    throw new InstallError("INSTALL_CONFIG_UNREADABLE", cause.message, { cause });
  }
}

/** Path and query of a page may hold secrets. */
function placeOf(url: string): string {
  return isPage(url) ? (URL.parse(url)?.origin ?? "configUrl") : url;
}

function isPage(url: string): boolean {
  return /^https?:\/\//.test(url);
}

/** What is no configuration is not taken for an empty one: a disk would be erased for a machine that nobody wanted. */
function documentOf(text: string, place: string): InstallDocument {
  const value = parseCloudConfig(text, place) ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return { ...value };
  throw new CliError("CLI_USAGE", `the file ${place} is no cloud-config: that is a map`, {
    mend: "Look at what is there: a text or a list is often the answer of something else, such as a proxy.",
  });
}

function flagFields(flags: InstallFlagValues): SettingsFields {
  const told: Readonly<Record<string, unknown>> = {
    device: flags.device,
    osimage: flags["os-image"],
    slotsize: flags["slot-size"],
    registrationurl: flags["registration-url"],
    ...(flags.yes ? { automatic: "true" } : {}),
    ...(flags["power-off"] ? { poweroff: "true" } : {}),
    ...(flags["allow-http"] ? { registrationallowhttp: "true" } : {}),
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}
