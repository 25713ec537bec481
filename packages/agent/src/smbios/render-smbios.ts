/** Puts the sections of all structures under their titles. */

import { describeStructure } from "./describe-structure.ts";
import type { EntryPoint } from "./entry-point.ts";
import type { Section } from "./section.ts";
import type { Structure } from "./structures.ts";

/**
 * What a node reports: title to section, as the original made it from dmidecode's text, so that paths such as
 * `System Information/Serial Number` keep working.
 *
 * Where several structures share a title, the title alone has the first one, and the title with `[]` behind it has
 * them all in table order, the first included: `Memory Device` and `Memory Device[]`. (The original kept the last one
 * and lost the others.) A title never contains `/`, `[` or `}`, so a key with `[]` cannot collide with another, and
 * templates that know nothing of it do not see it.
 */
export type Smbios = Readonly<Record<string, Section | readonly Section[]>>;

/**
 * The report for a table's structures, titles in table order, each array behind its title.
 * @param version  of the entry point: some fields are read and worded by it
 * Source: the wording of dmidecode 3.4
 */
export function renderSmbios(structures: readonly Structure[], version: EntryPoint["version"]): Smbios {
  const byTitle = new Map<string, Section[]>();
  for (const structure of structures) {
    for (const { title, section } of describeStructure(structure, (version.major << 8) | version.minor)) {
      const sections = byTitle.get(title);
      if (sections === undefined) byTitle.set(title, [section]);
      else sections.push(section);
    }
  }
  return Object.fromEntries([...byTitle].flatMap(([title, sections]) => entriesOf(title, sections)));
}

function entriesOf(title: string, sections: readonly Section[]): [string, Section | readonly Section[]][] {
  const [first, ...others] = sections;
  if (first === undefined) return [];
  return others.length === 0
    ? [[title, first]]
    : [
        [title, first],
        [`${title}[]`, sections],
      ];
}
