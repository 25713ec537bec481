/** What --json prints: one document. What is undefined is there as null, so that the fields are always the same. */
export function jsonDocument(value: unknown): string {
  return `${JSON.stringify(value, (_key, field: unknown) => (field === undefined ? null : field), 2)}\n`;
}
