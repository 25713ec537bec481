/** The shape in which nodes report SMBIOS: what the original's parser makes of dmidecode's text. */

/**
 * One structure: key to value. A list is an array; a list with a heading of its own keeps the colon in its key
 * (`"Characteristics:"`), a list after a count has the count's key (`"Installable Languages"`).
 */
export type Section = Readonly<Record<string, string | readonly string[]>>;

/** A structure's section under the title that dmidecode gives it. */
export interface TitledSection {
  readonly title: string;
  readonly section: Section;
}

/** Collects one section in dmidecode's order. */
export class SectionDraft {
  readonly #section: Record<string, string | readonly string[]> = {};

  get section(): Section {
    return this.#section;
  }

  /** `Key: value`; the original's parser trims values. */
  text(key: string, value: string): this {
    this.#section[key] = value.trim();
    return this;
  }

  /** `Key: value`, left out where dmidecode prints no such line. */
  optionalText(key: string, value: string | undefined): this {
    return value === undefined ? this : this.text(key, value);
  }

  /**
   * A heading and a line for each item. The original's parser loses items with a colon, and an empty list stays a
   * string: "" after `Key:`, the count after `Key: count`.
   * @param count  given for a list with its count behind the key, which then has no colon
   */
  list(key: string, items: readonly string[], count?: number): this {
    const kept = items.filter((item) => !item.includes(":")).map((item) => item.trim());
    const heading = count === undefined ? `${key}:` : key;
    this.#section[heading] = kept.length > 0 ? kept : count === undefined ? "" : String(count);
    return this;
  }

  /** A list of flags; without any, dmidecode prints `Key: None` instead. */
  flags(key: string, names: readonly string[]): this {
    return names.length > 0 ? this.list(key, names) : this.text(key, "None");
  }
}
