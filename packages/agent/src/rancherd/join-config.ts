/** Puts what a registration says into rancherd's own file, and leaves there what people have written. */
import { ConfigDocument } from "./config-document.ts";
import { hashOf, isMap, valueAt } from "./plain-values.ts";

/** What this program has written: by hash, as there are secrets among it. Keys are paths as JSON; a list has each item's hash. */
export type JoinRecord = Readonly<Record<string, string | readonly string[]>>;

export interface Joined {
  readonly text: string;
  readonly isChanged: boolean;
  readonly record: JoinRecord;
  /** Paths at which people have written something else than the registration says. */
  readonly kept: readonly string[];
}

/**
 * A value is set where there was none, or where the one that is there is the one that this program has written before; any
 * other is somebody's own and stays. Lists get what they lack.
 * @param current  the file as it is; undefined where there is none
 * @param answer   the registration's `rancherd`
 * @throws RancherdError RANCHERD_CONFIG_UNREADABLE
 */
export function joinConfig(
  current: string | undefined,
  answer: Readonly<Record<string, unknown>>,
  before: JoinRecord,
): Joined {
  const document = new ConfigDocument(current);
  const { values } = document;
  // Of a whole cloud-config rancherd takes this map and nothing else.
  const inner = isMap(values["rancherd"]) ? values["rancherd"] : undefined;
  const edit = new Edit(document, inner === undefined ? [] : ["rancherd"], before);
  edit.map([], answer, inner ?? values);
  edit.takeBack(answer, inner ?? values);
  return { text: document.toText(), isChanged: document.isChanged, record: edit.record, kept: edit.kept };
}

class Edit {
  readonly record: Record<string, string | readonly string[]> = {};
  readonly kept: string[] = [];
  readonly #document: ConfigDocument;
  readonly #prefix: readonly string[];
  readonly #before: JoinRecord;
  readonly #replaced: (readonly string[])[] = [];

  constructor(document: ConfigDocument, prefix: readonly string[], before: JoinRecord) {
    this.#document = document;
    this.#prefix = prefix;
    this.#before = before;
  }

  map(path: readonly string[], wanted: Readonly<Record<string, unknown>>, current: unknown): void {
    for (const [key, value] of Object.entries(wanted)) {
      const there = isMap(current) ? current[key] : undefined;
      this.#value([...path, key], value, there);
    }
  }

  #value(path: readonly string[], wanted: unknown, current: unknown): void {
    const isMissing = current === undefined || current === null;
    if (!isMissing && isOtherKind(wanted, current) && this.#isOurs(path, current)) this.#replace(path, wanted);
    else if (isMap(wanted) && Object.keys(wanted).length > 0) {
      if (isMissing || isMap(current)) this.map(path, wanted, current);
      else this.kept.push(path.join("."));
    } else if (Array.isArray(wanted) && (isMissing || Array.isArray(current))) {
      this.#list(path, wanted, Array.isArray(current) ? current : []);
    } else this.#scalar(path, wanted, isMissing ? undefined : current);
  }

  /** A registration that gave a map by mistake is corrected to a list: what it had written is nobody's wish. */
  #replace(path: readonly string[], wanted: unknown): void {
    this.#replaced.push(path);
    const isFilled = isMap(wanted) && Object.keys(wanted).length > 0;
    this.#set(path, isFilled ? {} : wanted);
    if (isFilled) this.map(path, wanted, undefined);
    else this.record[JSON.stringify(path)] = Array.isArray(wanted) ? wanted.map(hashOf) : hashOf(wanted);
  }

  /** Whether all that stands there was written by this program; an empty map or list says nothing that somebody could mean. */
  #isOurs(path: readonly string[], current: unknown): boolean {
    const before = this.#before[JSON.stringify(path)];
    if (isRecorded(before, current)) return true;
    if (Array.isArray(current)) return current.every((item) => Array.isArray(before) && isRecorded(before, item));
    return isMap(current) && Object.entries(current).every(([key, inner]) => this.#isOurs([...path, key], inner));
  }

  #scalar(path: readonly string[], wanted: unknown, current: unknown): void {
    const name = JSON.stringify(path);
    const isAsWanted = hashOf(current ?? null) === hashOf(wanted ?? null);
    const isTheirs = current !== undefined && !isRecorded(this.#before[name], current);
    if (isTheirs && !isAsWanted) {
      this.kept.push(path.join("."));
      return;
    }
    if (!isAsWanted) this.#set(path, wanted);
    this.record[name] = hashOf(wanted);
  }

  /** What was ours and is wanted no more goes, what is wanted and missing comes last. */
  #list(path: readonly string[], wanted: readonly unknown[], current: readonly unknown[]): void {
    const name = JSON.stringify(path);
    const before = this.#before[name];
    const ours = new Set(Array.isArray(before) ? before : []);
    const wantedHashes = new Set(wanted.map(hashOf));
    const stays = current.filter((item) => !ours.has(hashOf(item)) || wantedHashes.has(hashOf(item)));
    const there = new Set(stays.map(hashOf));
    const added = wanted.filter((item) => !there.has(hashOf(item)));
    if (added.length > 0 || stays.length < current.length) this.#set(path, [...stays, ...added]);
    this.record[name] = wanted.map(hashOf).filter((hash) => ours.has(hash) || !there.has(hash));
  }

  /** Values that a registration has given once and gives no more, where nobody has changed them since. */
  takeBack(wanted: Readonly<Record<string, unknown>>, current: unknown): void {
    for (const [name, before] of Object.entries(this.#before)) {
      const path = parsePath(name);
      if (path === undefined || Object.hasOwn(this.record, name) || valueAt(wanted, path) !== undefined) continue;
      if (this.#replaced.some((gone) => gone.every((part, index) => part === path[index]))) continue;
      const there = valueAt(current, path);
      if (typeof before !== "string" && Array.isArray(there)) this.#takeBackItems(path, before, there);
      else if (isRecorded(before, there)) this.#delete(path);
    }
  }

  #takeBackItems(path: readonly string[], ours: readonly string[], there: readonly unknown[]): void {
    const stays = there.filter((item) => !ours.includes(hashOf(item)));
    if (stays.length === 0) this.#delete(path);
    else if (stays.length < there.length) this.#set(path, stays);
  }

  #set(path: readonly string[], value: unknown): void {
    this.#document.set([...this.#prefix, ...path], value);
  }

  #delete(path: readonly string[]): void {
    this.#document.delete([...this.#prefix, ...path]);
  }
}

/** @returns whether putting the one into the other is no way; an empty map is wanted in place of what the other holds */
function isOtherKind(wanted: unknown, current: unknown): boolean {
  if (isMap(wanted)) return !isMap(current) || (Object.keys(wanted).length === 0 && Object.keys(current).length > 0);
  return isMap(current) || Array.isArray(wanted) !== Array.isArray(current);
}

function isRecorded(recorded: JoinRecord[string] | undefined, value: unknown): boolean {
  if (recorded === undefined || typeof recorded === "string") return hashOf(value) === recorded;
  return recorded.includes(hashOf(value));
}

/** What counts as ours while the file is as one record says or as the other: a kill may leave either. */
export function eitherRecord(one: JoinRecord, other: JoinRecord): JoinRecord {
  const both: Record<string, readonly string[]> = {};
  for (const [name, hashes] of [...Object.entries(one), ...Object.entries(other)]) {
    both[name] = [...new Set([...(Object.hasOwn(both, name) ? (both[name] ?? []) : []), ...[hashes].flat()])];
  }
  return both;
}

function parsePath(name: string): readonly string[] | undefined {
  try {
    const path: unknown = JSON.parse(name);
    return Array.isArray(path) && path.every((part) => typeof part === "string") ? path : undefined;
  } catch {
    return undefined;
  }
}

/** @returns an empty record for anything that is none: then every value that is there counts as somebody's own */
export function readJoinRecord(text: string | undefined): JoinRecord {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (!isMap(value)) return {};
    const record: Record<string, string | readonly string[]> = {};
    for (const [name, hash] of Object.entries(value)) {
      if (typeof hash === "string") record[name] = hash;
      else if (Array.isArray(hash)) record[name] = hash.filter((item) => typeof item === "string");
    }
    return record;
  } catch {
    return {};
  }
}
