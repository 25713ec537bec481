/** The settings of an installation: what each key may be, all problems named at once. */
import type { DiskRule } from "./disk.ts";
import { InstallError } from "./errors.ts";
import { closest } from "../spelling/index.ts";
import { isMap, plainName, type SettingsFields } from "./settings-fields.ts";

export interface InstallSettings {
  /** Nobody is asked. */
  readonly automatic: boolean;
  /** Whether an installation that nobody asked for may erase an installed system. */
  readonly reinstall: Reinstall;
  /** What becomes of a machine that is installed, and whose firmware tries the network first. */
  readonly installed: WhenInstalled;
  readonly rule: DiskRule;
  /** HOST/REPOSITORY:TAG or @DIGEST; undefined: the live system installs itself. */
  readonly osImage: string | undefined;
  readonly slotBytes: number | undefined;
  readonly configUrls: readonly string[];
  readonly registrationUrl: string | undefined;
  /** PEM, or a path. */
  readonly registrationCaCert: string | undefined;
  /** Fingerprint of the CA that the server hands out. */
  readonly registrationCaSha256: string | undefined;
  /** Take a registration URL without TLS. */
  readonly registrationAllowHttp: boolean;
  readonly powerOff: boolean;
  /** Further kernel arguments; undefined: the consoles of the live system. */
  readonly kernelArguments: string | undefined;
  /** For people: keys that are unknown, or mean nothing here. */
  readonly warnings: readonly string[];
}

/** `start`: it is started from its disk. `stay`: the live system runs on. */
export type WhenInstalled = (typeof WHEN_INSTALLED)[number];

/** `once`: not where the disk says that it was installed under this name. */
export type Reinstall =
  { readonly kind: "never" } | { readonly kind: "always" } | { readonly kind: "once"; readonly name: string };

/** What is wrong or odd with a setting, without its value. */
export interface SettingsProblem {
  /** Below `rancheros.install`; names in lower case where they are not known. */
  readonly path: readonly string[];
  /** Goes on from the path. */
  readonly sentence: string;
  /** Whether the name is wrong, or what stands behind it. */
  readonly of: "key" | "value";
}

export interface JudgedSettings {
  readonly settings: Omit<InstallSettings, "warnings">;
  readonly problems: readonly SettingsProblem[];
  readonly warnings: readonly SettingsProblem[];
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(b|kib?|mib?|gib?|tib?|k|m|g|t)?$/i;
const UNITS: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
/** Of os2 and Elemental; they have their own ways for it. */
const WITHOUT_MEANING: Readonly<Record<string, string>> = {
  isourl: "the live system installs itself, or set osImage",
  noformat: "the disk is always divided anew",
  debug: "DEBUG=1 in the environment shows more",
  forceefi: "UEFI and BIOS are both installed",
  password: "set a user's passwd in the cloud-config",
};

/** With a digit: a misspelled `false` must not be one. */
const LEAVE_NAME = /^(?=.*\d)[\w.-]{2,64}$/;

const WHEN_INSTALLED = ["stay", "start"] as const;
const KINDS = ["nvme", "ssd", "hdd"] as const;

type Reader = ReturnType<typeof fieldReader>;

/**
 * @param fields  merged from all places
 * @throws InstallError INSTALL_SETTINGS_INVALID that names every bad one
 */
export function readSettings(fields: SettingsFields): InstallSettings {
  const { settings, problems, warnings } = judgeSettings(fields);
  if (problems.length > 0) throw invalidSettings("rancheros.install", problems.map(problemText));
  return {
    ...settings,
    warnings: warnings.map(({ path, sentence }) => `rancheros.install.${path.join(".")} ${sentence}`),
  };
}

function problemText({ path, sentence }: SettingsProblem): string {
  return `${path.join(".")}: ${sentence}`;
}

export function invalidSettings(place: string, problems: readonly string[]): InstallError {
  const all = problems.join("; ");
  return new InstallError("INSTALL_SETTINGS_INVALID", `${place}: ${all}`, { details: { problems: all } });
}

/** The same without a throw. @returns all that is wrong, and all that is odd */
export function judgeSettings(fields: SettingsFields): JudgedSettings {
  const reader = fieldReader(fields);
  const tty = reader.texts("tty");
  const told = reader.texts("kernelArguments");
  const extra = [...told, ...tty.map((name) => `console=${name}`)].join(" ");
  const settings = {
    automatic: reader.flag("automatic"),
    reinstall: reader.leave("reinstall"),
    installed: readWhenInstalled(reader),
    rule: readRule(reader),
    osImage: reader.text("osImage"),
    slotBytes: reader.size("slotSize"),
    configUrls: reader.texts("configUrl"),
    registrationUrl: reader.text("registrationUrl"),
    registrationCaCert: reader.text("registrationCaCert"),
    registrationCaSha256: reader.text("registrationCaSha256"),
    registrationAllowHttp: reader.flag("registrationAllowHttp"),
    powerOff: reader.flag("powerOff"),
    kernelArguments: extra === "" ? undefined : extra,
  };
  // It is written into a line of GRUB's environment block, which GRUB reads as words of a command.
  if (/[^\x20-\x7e]|["'\\${}();&|<>]/.test(extra))
    reader.say("kernelArguments", "has characters that mean something to GRUB");
  if (extra.length > 512) reader.say("kernelArguments", "has more than 512 characters");
  const unknown = reader.unknown();
  // What is nearly a setting was meant to be one, and without it another disk than the meant one may be erased.
  return {
    settings,
    problems: [...reader.problems, ...unknown.filter(({ isMeant }) => isMeant)],
    warnings: unknown.filter(({ isMeant }) => !isMeant),
  };
}

function isTruth(word: string): boolean {
  return ["true", "1", "yes", "on"].includes(word.toLowerCase());
}

function isUntruth(word: string): boolean {
  return ["false", "0", "no", "off"].includes(word.toLowerCase());
}

function readWhenInstalled(reader: Reader): WhenInstalled {
  const word = reader.text("installed")?.toLowerCase() ?? "stay";
  const known = WHEN_INSTALLED.find((one) => one === word);
  if (known === undefined) reader.say("installed", "is neither start nor stay");
  return known ?? "stay";
}

function readRule(reader: Reader): DiskRule {
  const selector = reader.inner("deviceSelector");
  const type = selector.text("type")?.toLowerCase();
  const kind = KINDS.find((one) => one === type);
  if (type !== kind) selector.say("type", "is none of ssd, hdd, nvme");
  const rule = {
    device: reader.text("device"),
    isByHand: false,
    minBytes: selector.size("minSize"),
    maxBytes: selector.size("maxSize"),
    kind,
    model: selector.text("model"),
  };
  const wrong = [...selector.problems, ...selector.unknown()];
  reader.problems.push(...wrong.map((problem) => ({ ...problem, path: ["deviceSelector", ...problem.path] })));
  return rule;
}

function fieldReader(fields: SettingsFields) {
  const problems: SettingsProblem[] = [];
  const asked = new Map<string, string>();
  const say = (key: string, sentence: string): void => {
    problems.push({ path: [key], sentence, of: "value" });
  };
  const take = (key: string): unknown => {
    asked.set(plainName(key), key);
    const value = fields[plainName(key)] ?? undefined;
    // Something that came twice where one is wanted: the last counts.
    return value === "" ? undefined : value;
  };
  const one = (key: string): unknown => {
    const value = take(key);
    return Array.isArray(value) ? (value as readonly unknown[]).at(-1) : value;
  };
  const text = (key: string): string | undefined => {
    const value = one(key);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string") return value.trim() === "" ? undefined : value.trim();
    if (typeof value === "number") return String(value);
    say(key, "is not text");
    return undefined;
  };
  const plain = (key: string): string | undefined => {
    const value = one(key);
    if (value === undefined || value === null) return undefined;
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    return isPlain ? String(value) : "";
  };
  return {
    problems,
    say,
    text,
    flag(key: string): boolean {
      const word = plain(key);
      if (word !== undefined && !isTruth(word) && !isUntruth(word)) say(key, "is neither true nor false");
      return word !== undefined && isTruth(word);
    },
    leave(key: string): Reinstall {
      const word = plain(key);
      if (word === undefined || isUntruth(word)) return { kind: "never" };
      if (isTruth(word)) return { kind: "always" };
      if (LEAVE_NAME.test(word)) return { kind: "once", name: word };
      say(key, "is neither true nor false, nor a name with a digit such as 2026-11");
      return { kind: "never" };
    },
    texts(key: string): readonly string[] {
      const value = take(key);
      const list: readonly unknown[] = Array.isArray(value)
        ? value
        : value === undefined || value === null
          ? []
          : [value];
      const found = list.filter((item) => typeof item === "string");
      if (found.length !== list.length) say(key, "is not a list of texts");
      return found;
    },
    size(key: string): number | undefined {
      const value = text(key);
      if (value === undefined) return undefined;
      const [, number = "", unit = "b"] = SIZE.exec(value) ?? [];
      const bytes = Number(number) * (UNITS[unit.charAt(0).toLowerCase()] ?? Number.NaN);
      if (number !== "" && Number.isSafeInteger(Math.ceil(bytes)) && bytes > 0) return Math.ceil(bytes);
      say(key, "is no size such as 4GiB");
      return undefined;
    },
    inner(key: string) {
      const value = take(key);
      if (value !== undefined && !isMap(value)) say(key, "is no map");
      return fieldReader(isMap(value) ? value : {});
    },
    unknown(): readonly (SettingsProblem & { readonly isMeant: boolean })[] {
      const strange = Object.keys(fields).filter((key) => !asked.has(key));
      return strange.map((key) => {
        const path = [shortName(key)];
        const why = WITHOUT_MEANING[key];
        if (why !== undefined) return { path, sentence: `means nothing here: ${why}`, of: "key", isMeant: false };
        const meant = asked.get(closest(shortName(key), [...asked.keys()]) ?? "");
        return { path, sentence: notKnown(meant), of: "key", isMeant: meant !== undefined };
      });
    },
  };
}

/** A name is shown in sentences, and may be as long as its document. */
export function shortName(key: string): string {
  return key.length > 60 ? `${key.slice(0, 60)}...` : key;
}

export function notKnown(meant: string | undefined): string {
  return `is not known here${meant === undefined ? "" : `. Did you mean ${meant}?`}`;
}
