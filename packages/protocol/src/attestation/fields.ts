/** Reads the fields of one JSON object, and writes down all that is wrong with them. */
import { isJsonObject, readByteField } from "@rancheros/protocol/messages";
import { AttestationMessageError } from "./errors.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a field that is missing or wrong reads as; finish() throws before anybody uses it. */
const NOTHING = Buffer.alloc(0);

export class Fields {
  readonly #object: Json;
  readonly #path: string;
  readonly #problems: string[];

  private constructor(object: Json, path: string, problems: string[]) {
    this.#object = object;
    this.#path = path;
    this.#problems = problems;
  }

  /**
   * @param what  name of the message, for the error
   * @returns what `read` makes of the object
   * @throws AttestationMessageError PROTOCOL_FIELDS with every problem
   */
  static read<Value>(json: unknown, what: string, read: (fields: Fields) => Value): Value {
    const problems: string[] = isJsonObject(json) ? [] : ["(all): is not an object"];
    const value = read(new Fields(isJsonObject(json) ? json : {}, "", problems));
    if (problems.length === 0) return value;
    throw new AttestationMessageError("PROTOCOL_FIELDS", `${what} has bad fields: ${problems.join("; ")}`, {
      problems,
    });
  }

  problem(field: string, sentence: string): void {
    this.#problems.push(`${this.#path}${field}: ${sentence}`);
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#object, field) && this.#object[field] !== null;
  }

  raw(field: string): unknown {
    return Object.hasOwn(this.#object, field) ? this.#object[field] : undefined;
  }

  /** @param exactBytes  the only length that is taken */
  bytes(field: string, maxBytes: number, exactBytes?: number): Buffer {
    const bytes = readByteField(this.raw(field), `${this.#path}${field}`, maxBytes, this.#problems);
    if (bytes !== undefined && exactBytes !== undefined && bytes.length !== exactBytes) {
      this.problem(field, `has ${bytes.length} bytes, not ${exactBytes}`);
    }
    return bytes ?? NOTHING;
  }

  /** Absent reads as empty. */
  optionalBytes(field: string, maxBytes: number): Buffer {
    const value = this.raw(field);
    return value === undefined || value === null || value === "" ? NOTHING : this.bytes(field, maxBytes);
  }

  /** Absent reads as the empty list. @param maxBytes  of all items together */
  byteList(field: string, maxItems: number, maxBytes: number): readonly Buffer[] {
    const value = this.raw(field);
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value) || value.length > maxItems) {
      this.problem(field, `is no list of at most ${maxItems}`);
      return [];
    }
    const items = value.map(
      (item: unknown, index) =>
        readByteField(item, `${this.#path}${field}.${index}`, maxBytes, this.#problems) ?? NOTHING,
    );
    if (items.reduce((sum, { length }) => sum + length, 0) > maxBytes) {
      this.problem(field, `has more than ${maxBytes} bytes in all`);
    }
    return items;
  }

  text(field: string, maxCharacters: number): string {
    return this.#text(field, maxCharacters, true) ?? "";
  }

  /** Absent, null and empty are the same. */
  optionalText(field: string, maxCharacters: number): string | undefined {
    return this.#text(field, maxCharacters, false);
  }

  #text(field: string, maxCharacters: number, required: boolean): string | undefined {
    const value = this.raw(field);
    if (value === undefined || value === null || value === "") {
      if (required) this.problem(field, "is missing");
      return undefined;
    }
    if (typeof value !== "string") this.problem(field, "is not text");
    else if (value.length > maxCharacters) this.problem(field, `has more than ${maxCharacters} characters`);
    else if (!value.isWellFormed()) this.problem(field, "has no UTF-8 form");
    else return value;
    return undefined;
  }

  integer(field: string, min: number, max: number): number {
    const value = this.raw(field);
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    this.problem(field, value === undefined ? "is missing" : `is no whole number from ${min} to ${max}`);
    return min;
  }

  flag(field: string): boolean {
    const value = this.raw(field);
    if (typeof value === "boolean") return value;
    this.problem(field, value === undefined ? "is missing" : "is neither true nor false");
    return false;
  }

  choice<Choice extends string>(field: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const value = this.raw(field);
    const found = choices.find((one) => one === value);
    if (found === undefined) this.problem(field, `is none of ${choices.join(", ")}`);
    return found ?? choices[0];
  }

  object<Value>(field: string, read: (fields: Fields) => Value): Value {
    const value = this.raw(field);
    if (!isJsonObject(value)) this.problem(field, value === undefined ? "is missing" : "is not an object");
    return read(new Fields(isJsonObject(value) ? value : {}, `${this.#path}${field}.`, this.#problems));
  }

  /** Absent reads as undefined. */
  optionalObject<Value>(field: string, read: (fields: Fields) => Value): Value | undefined {
    return this.has(field) ? this.object(field, read) : undefined;
  }

  /** Absent reads as the empty list. */
  list<Value>(field: string, maxItems: number, read: (item: Fields) => Value): readonly Value[] {
    const value = this.raw(field);
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value) || value.length > maxItems) {
      this.problem(field, `is no list of at most ${maxItems}`);
      return [];
    }
    return value.map((item: unknown, index) => {
      if (!isJsonObject(item)) this.problem(`${field}.${index}`, "is not an object");
      return read(new Fields(isJsonObject(item) ? item : {}, `${this.#path}${field}.${index}.`, this.#problems));
    });
  }

  /** A map of text; absent reads as empty. The result has no prototype, so that only what was sent is found. */
  texts(field: string, maxEntries: number, maxCharacters: number): Readonly<Record<string, string>> {
    const value = this.raw(field);
    const texts: Record<string, string> = {};
    Object.setPrototypeOf(texts, null);
    if (value === undefined || value === null) return texts;
    if (!isJsonObject(value) || Object.keys(value).length > maxEntries) {
      this.problem(field, `is no map of at most ${maxEntries} entries`);
      return texts;
    }
    for (const [key, text] of Object.entries(value)) {
      const fits = typeof text === "string" && text.length <= maxCharacters && text.isWellFormed();
      const isKey = key.length <= maxCharacters && key.isWellFormed() && key !== "__proto__";
      if (fits && isKey) texts[key] = text;
      else this.problem(field, "holds an entry that is no text, or too long");
    }
    return texts;
  }
}
