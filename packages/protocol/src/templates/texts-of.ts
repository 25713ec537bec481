/** Maps of labels and annotations as the original's kinds take them: YAML's `worker:` is a label without a value. */

export type NullableTexts = Readonly<Record<string, string | null>>;

/** Null is the empty text, as it is to Go: without its key, a selector would choose everything. */
export function textsOf(texts: NullableTexts | null | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts ?? {}).map(([key, text]) => [key, text ?? ""]));
}
