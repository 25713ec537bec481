/** JSON as Go's encoding/json writes it, so that what we send cannot be told from the original's. */

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(keys.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]));
}

function escaped(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (character) => ESCAPES[character] ?? character);
}

/** A map: keys sorted, HTML characters escaped, a newline at the end. */
export function goJson(map: Readonly<Record<string, unknown>>): string {
  return `${escaped(JSON.stringify(sorted(map)))}\n`;
}

/** A struct: fields in the order given, undefined ones left out, otherwise as goJson. */
export function goStructJson(fields: Readonly<Record<string, unknown>>): string {
  return `${escaped(JSON.stringify(fields))}\n`;
}
