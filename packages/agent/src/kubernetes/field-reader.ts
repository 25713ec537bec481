/** Takes typed fields out of a foreign tree, and collects what is wrong with them; values are never repeated. */
import { isMap } from "./is-map.ts";

export interface Fields {
  /** Of this map, for complaints: empty or ending in a dot. */
  readonly path: string;
  has(name: string): boolean;
  /** Undefined where it is absent, null or empty. Complains where it is no text. */
  text(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  /** Text that is base64 of text. */
  base64(name: string): string | undefined;
  /** @param protocols  such as "https:" */
  url(name: string, protocols: readonly string[]): URL | undefined;
  /** Empty where it is absent or null, as Go reads it. */
  child(name: string): Fields | undefined;
  /** A list of maps; empty where it is absent or null. */
  list(name: string): readonly Fields[];
}

export interface FieldReader {
  readonly complaints: readonly string[];
  complain(sentence: string): void;
  /** @param path  see Fields */
  map(value: unknown, path: string): Fields | undefined;
}

const MAX_COMPLAINTS = 20;
const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

export function createFieldReader(): FieldReader {
  const complaints: string[] = [];
  const complain = (sentence: string): void => {
    if (complaints.length < MAX_COMPLAINTS) complaints.push(sentence);
  };
  const map = (value: unknown, path: string): Fields | undefined => {
    if (isMap(value)) return fieldsOf(value, path, { complain, map });
    complain(`${path === "" ? "it" : path.replace(/[.:\s]+$/, "")} is no map`);
    return undefined;
  };
  return { complaints, complain, map };
}

function fieldsOf(
  tree: Readonly<Record<string, unknown>>,
  path: string,
  { complain, map }: Pick<FieldReader, "complain" | "map">,
): Fields {
  const get = (name: string): unknown => (Object.hasOwn(tree, name) ? (tree[name] ?? undefined) : undefined);
  const text = (name: string): string | undefined => {
    const value = get(name);
    if (value === undefined || value === "") return undefined;
    if (typeof value === "string") return value;
    complain(`${path}${name} is no text`);
    return undefined;
  };
  return {
    path,
    text,
    has: (name) => {
      const value = get(name);
      return value !== undefined && value !== "";
    },
    flag: (name) => {
      const value = get(name);
      if (value === undefined || typeof value === "boolean") return value;
      complain(`${path}${name} is neither true nor false`);
      return undefined;
    },
    base64: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (BASE64.test(value)) return Buffer.from(value, "base64").toString("utf8");
      complain(`${path}${name} is no base64`);
      return undefined;
    },
    url: (name, protocols) => {
      const value = text(name);
      if (value === undefined) return undefined;
      const url = URL.parse(value);
      if (url !== null && protocols.includes(url.protocol)) return url;
      complain(`${path}${name} is no address that begins with ${protocols.map((one) => `${one}//`).join(" or ")}`);
      return undefined;
    },
    child: (name) => map(get(name) ?? {}, `${path}${name}.`),
    list: (name) => {
      const value = get(name);
      if (value === undefined) return [];
      if (!Array.isArray(value)) {
        complain(`${path}${name} is no list`);
        return [];
      }
      return value
        .map((item: unknown, index) => map(item, `${path}${name}[${index}].`))
        .filter((item) => item !== undefined);
    },
  };
}
