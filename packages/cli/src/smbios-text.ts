/** SMBIOS for people, in dmidecode's look. */
import type { Smbios } from "@rancheros/agent/smbios";

type Section = Readonly<Record<string, string | readonly string[]>>;

/** Behind a title: all structures of that title, the first included. */
const ALL = "[]";

/** @returns one block a structure, in table order of the titles */
export function formatSmbios(smbios: Smbios): string {
  const titles = Object.keys(smbios).filter((title) => !title.endsWith(ALL));
  return titles
    .flatMap((title) => sectionsOf(smbios, title).map((section) => formatSection(title, section)))
    .join("\n");
}

function sectionsOf(smbios: Smbios, title: string): readonly Section[] {
  const found = smbios[title + ALL] ?? smbios[title] ?? [];
  return isList(found) ? found : [found];
}

function isList(found: Section | readonly Section[]): found is readonly Section[] {
  return Array.isArray(found);
}

function formatSection(title: string, section: Section): string {
  const lines = Object.entries(section).flatMap(([key, value]) => formatEntry(key, value));
  return `${[title, ...lines].join("\n")}\n`;
}

function formatEntry(key: string, value: string | readonly string[]): readonly string[] {
  // A list's heading keeps its colon in the key, except behind a count.
  const heading = key.endsWith(":") ? key : `${key}:`;
  if (typeof value === "string") return [`\t${`${heading} ${printable(value)}`.trimEnd()}`];
  return [`\t${heading}`, ...value.map((item) => `\t\t${printable(item)}`)];
}

/** Firmware may hold anything, also what moves a terminal's cursor. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ".");
}
