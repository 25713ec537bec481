/** What a record of ours on a disk says, before it is known to be one. */

/** @returns its fields, unjudged; undefined where the text is no JSON, or no object */
export function jsonFields(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}
