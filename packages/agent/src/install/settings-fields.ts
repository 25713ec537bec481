/** Settings of an installation from wherever they are told, by plain names: any case, with `_` and `-` or without. */
import { kernelWords } from "../slots/index.ts";

/** Lower case, without `_` and `-`; nested ones as maps. */
export type SettingsFields = Readonly<Record<string, unknown>>;

export const PREFIX = ["rancheros", "install"] as const;

/** Source: os2 pkg/config/read.go: keys split at dots, no `=` means true, a word that comes again makes a list */
export function kernelFields(commandLine: string): SettingsFields {
  const fields: Record<string, unknown> = {};
  for (const [name, value = "true"] of kernelWords(commandLine)) {
    const path = pathOf(name);
    if (path[0] !== PREFIX[0] || path[1] !== PREFIX[1] || path.length < 3) continue;
    let at = fields;
    for (const key of path.slice(2, -1)) {
      const inner: Record<string, unknown> = isMap(at[key]) ? { ...at[key] } : {};
      at[key] = inner;
      at = inner;
    }
    const last = path.at(-1) ?? "";
    const before = at[last];
    at[last] =
      before === undefined ? value : [...(Array.isArray(before) ? (before as readonly unknown[]) : [before]), value];
  }
  return fields;
}

/** @returns the names of all its words, in parts and plainly */
export function kernelPaths(commandLine: string): readonly (readonly string[])[] {
  return kernelWords(commandLine).map(([name]) => pathOf(name));
}

function pathOf(name: string): readonly string[] {
  return name.split(".").map(plainName);
}

/** @param document  a cloud-config as parsed YAML; what stands at rancheros.install, or at install alone */
export function documentFields(document: unknown): SettingsFields {
  const top = plain(document);
  const ours = top[PREFIX[0]];
  const under = isMap(ours) ? ours[PREFIX[1]] : undefined;
  const alone = top[PREFIX[1]];
  if (isMap(under)) return under;
  return isMap(alone) ? alone : {};
}

/** Later ones win, key by key. */
export function mergeFields(...all: readonly SettingsFields[]): SettingsFields {
  const merged: Record<string, unknown> = {};
  for (const fields of all) {
    for (const [key, value] of Object.entries(fields)) addField(merged, key, value);
  }
  return merged;
}

export function plainName(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, "");
}

/** What one document spells in several ways is one: to a registration's `rancherOS` the operator adds its own `rancheros`. */
function plain(value: unknown): SettingsFields {
  const fields: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(isMap(value) ? value : {})) {
    addField(fields, plainName(key), isMap(inner) ? plain(inner) : inner);
  }
  return fields;
}

function addField(fields: Record<string, unknown>, key: string, value: unknown): void {
  const before = fields[key];
  fields[key] = isMap(before) && isMap(value) ? mergeFields(before, value) : value;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
