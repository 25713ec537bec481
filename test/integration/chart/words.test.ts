/** Names that YAML takes for numbers, truths or nothing: Kubernetes takes `1234` for a namespace, and so does the chart. */
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { renderNotes, renderText } from "../../chart/render-chart.ts";
import { VALUE_SETS } from "../../chart/value-sets.ts";
import { WORDS, wordedValues, type Word } from "../../chart/worded-values.ts";

/** What does not go together with a word in every other place. */
const EXCEPT: Readonly<Partial<Record<string, object>>> = {
  documented: { tls: { secretName: "" } },
  standalone: { watchNamespace: "" },
  certified: { tls: { secretName: "" } },
};

/** Kubernetes reads YAML 1.1. */
function documentsIn(text: string): readonly unknown[] {
  const documents = [...parseAllDocuments(text, { version: "1.1" })].map((document): unknown => document.toJS());
  return documents.filter((one) => one !== null);
}

/** What each leaf is, with where it is; files within are opened. */
function typesIn(value: unknown, place: string): readonly string[] {
  if (typeof value === "string" && place.endsWith(".yaml")) return typesIn(documentsIn(value), place.slice(0, -5));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => typesIn(one, `${place}.${key}`));
  }
  return [`${place}: ${value === null ? "null" : typeof value}`];
}

describe.each(Object.entries(VALUE_SETS))("with the values %s and one word wherever one can be", (name, { values }) => {
  const rendered = (word: Word): Promise<string> =>
    renderText({
      name: "123",
      namespace: "on",
      values: { ...wordedValues(values, word, EXCEPT[name] ?? {}), crds: { enabled: false } },
    });
  const types = async (word: Word): Promise<readonly string[]> =>
    documentsIn(await rendered(word))
      .flatMap((object) => typesIn(object, (object as { readonly kind: string }).kind))
      .toSorted();

  it.each(WORDS.slice(1))("the chart says what it says of any word where that is %s", async (word) => {
    expect(await types(word)).toEqual(await types("word"));
    expect(documentsIn(await rendered(word)).length).toBeGreaterThan(5);
  });

  it("has the word and the release's names as text, in objects of its own and of the operator's", async () => {
    const said = JSON.stringify(documentsIn(await rendered("1234")));
    expect(said).toContain('"namespace":"on"');
    expect(said).toContain('"name":"1234"');
    expect(said).toContain('"app.kubernetes.io/instance":"123"');
  });
});

it("the object that the notes show goes into a namespace that is called like a number", async () => {
  const notes = await renderNotes({ name: "edge", namespace: "operators", values: { watchNamespace: "1234" } });
  const [, shown = ""] = /<<'EOF'\n([^]*?)\n *EOF$/m.exec(notes) ?? [];
  expect(documentsIn(shown)).toMatchObject([{ metadata: { name: "edge", namespace: "1234" } }]);
});
