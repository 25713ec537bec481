/** Documents of others, taken apart. */

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns undefined for what is no JSON object in UTF-8 */
export function readJsonObject(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is no base64 of RFC 4648 with padding, and for nothing at all */
export function readBase64(value: unknown): Buffer | undefined {
  if (typeof value !== "string" || value === "" || value.length % 4 !== 0) return undefined;
  return /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? Buffer.from(value, "base64") : undefined;
}

/** What nobody knows is an error: a word that is spelt wrong would be a rule that does not hold. */
export function tableOf(value: unknown, path: string, known: readonly string[], problems: string[]): Fields {
  if (!isFields(value)) {
    problems.push(`${path}: ${value === undefined ? "is missing" : "is no table of names and values"}`);
    return {};
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name))
      problems.push(`${path}.${name.slice(0, 100)}: is unknown; there are ${known.join(", ")}`);
  }
  return value;
}
