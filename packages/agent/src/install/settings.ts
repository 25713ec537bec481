/** The settings of an installation: what each key may be, all problems named at once. */
import type { DiskRule } from "./disk.ts";
import { InstallError } from "./errors.ts";
import { isMap, type SettingsFields } from "./settings-fields.ts";

export interface InstallSettings {
  /** Nobody is asked. */
  readonly automatic: boolean;
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

const KINDS = ["nvme", "ssd", "hdd"] as const;

type Reader = ReturnType<typeof fieldReader>;

/**
 * @param fields  merged from all places
 * @throws InstallError INSTALL_SETTINGS_INVALID that names every bad one
 */
export function readSettings(fields: SettingsFields): InstallSettings {
  const reader = fieldReader(fields);
  const tty = reader.texts("tty");
  const told = reader.texts("kernelarguments");
  const extra = [...told, ...tty.map((name) => `console=${name}`)].join(" ");
  const settings = {
    automatic: reader.flag("automatic"),
    rule: readRule(reader),
    osImage: reader.text("osimage"),
    slotBytes: reader.size("slotsize"),
    configUrls: reader.texts("configurl"),
    registrationUrl: reader.text("registrationurl"),
    registrationCaCert: reader.text("registrationcacert"),
    registrationCaSha256: reader.text("registrationcasha256"),
    registrationAllowHttp: reader.flag("registrationallowhttp"),
    powerOff: reader.flag("poweroff"),
    kernelArguments: extra === "" ? undefined : extra,
  };
  // It is written into a line of GRUB's environment block, which GRUB reads as words of a command.
  if (/[^\x20-\x7e]|["'\\${}();&|<>]/.test(extra))
    reader.problems.push("kernelArguments: has characters that mean something to GRUB");
  if (extra.length > 512) reader.problems.push("kernelArguments: has more than 512 characters");
  const { problems } = reader;
  if (problems.length > 0) {
    throw new InstallError("INSTALL_SETTINGS_INVALID", `rancheros.install: ${problems.join("; ")}`, {
      details: { problems: problems.join("; ") },
    });
  }
  return { ...settings, warnings: reader.unknown() };
}

function readRule(reader: Reader): DiskRule {
  const selector = reader.inner("deviceselector");
  const type = selector.text("type")?.toLowerCase();
  const kind = KINDS.find((one) => one === type);
  if (type !== kind) reader.problems.push("deviceSelector.type: is none of ssd, hdd, nvme");
  const rule = {
    device: reader.text("device"),
    isByHand: false,
    minBytes: selector.size("minsize"),
    maxBytes: selector.size("maxsize"),
    kind,
    model: selector.text("model"),
  };
  reader.problems.push(...selector.problems.map((problem) => `deviceSelector.${problem}`));
  reader.problems.push(...selector.unknown().map((warning) => `deviceSelector: ${warning}`));
  return rule;
}

function fieldReader(fields: SettingsFields) {
  const problems: string[] = [];
  const asked = new Set<string>();
  const take = (key: string): unknown => {
    asked.add(key);
    const value = fields[key] ?? undefined;
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
    problems.push(`${key}: is not text`);
    return undefined;
  };
  return {
    problems,
    text,
    flag(key: string): boolean {
      const value = one(key);
      if (value === undefined || value === null) return false;
      const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
      const word = isPlain ? String(value).toLowerCase() : "";
      if (["true", "1", "yes", "on"].includes(word)) return true;
      if (!["false", "0", "no", "off"].includes(word)) problems.push(`${key}: is neither true nor false`);
      return false;
    },
    texts(key: string): readonly string[] {
      const value = take(key);
      const list: readonly unknown[] = Array.isArray(value)
        ? value
        : value === undefined || value === null
          ? []
          : [value];
      const found = list.filter((item) => typeof item === "string");
      if (found.length !== list.length) problems.push(`${key}: is not a list of texts`);
      return found;
    },
    size(key: string): number | undefined {
      const value = text(key);
      if (value === undefined) return undefined;
      const [, number = "", unit = "b"] = SIZE.exec(value) ?? [];
      const bytes = Number(number) * (UNITS[unit.charAt(0).toLowerCase()] ?? Number.NaN);
      if (number !== "" && Number.isSafeInteger(Math.ceil(bytes)) && bytes > 0) return Math.ceil(bytes);
      problems.push(`${key}: is no size such as 4GiB`);
      return undefined;
    },
    inner(key: string) {
      const value = take(key);
      if (value !== undefined && !isMap(value)) problems.push(`${key}: is no map`);
      return fieldReader(isMap(value) ? value : {});
    },
    unknown(): readonly string[] {
      return Object.keys(fields).flatMap((key) => {
        if (asked.has(key)) return [];
        const why = WITHOUT_MEANING[key];
        return [
          why === undefined
            ? `rancheros.install.${key} is not known here`
            : `rancheros.install.${key} means nothing here: ${why}`,
        ];
      });
    },
  };
}
