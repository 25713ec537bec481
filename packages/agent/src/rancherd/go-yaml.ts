/** YAML as rancherd reads it: YAML 1.1 through Go's yaml.v2, of which the first document counts. */
import { parseDocument, type ScalarTag, type Tags } from "yaml";

/** Honest configurations have few; a few hundred can blow up to gigabytes. */
const MAX_ALIASES = 100;

/**
 * @param text  of one file
 * @returns     what rancherd gets as JSON; null for an empty document
 * @throws Error with a sentence and a place, and nothing of the text: it may hold secrets
 * Source: wrangler pkg/yaml Unmarshal, apimachinery pkg/util/yaml YAMLReader
 */
export function parseGoYaml(text: string): unknown {
  return parseOne(splitDocuments(text)[0] ?? "");
}

/** All documents of a file, as rancherd reads manifests. @throws as parseGoYaml */
export function parseGoYamlStream(text: string): readonly unknown[] {
  return splitDocuments(text).map(parseOne);
}

/**
 * Documents end at a line that is `---` and nothing else, wherever it stands: with a comment above the first such line,
 * that comment is a document, and the first one. Such a line at the very beginning is part of what is below it.
 * Source: apimachinery pkg/util/yaml YAMLReader
 */
export function splitDocuments(text: string): readonly string[] {
  const documents: string[] = [];
  let current = "";
  for (const line of text.split(/(?<=\n)/)) {
    if (current === "" || !/^---\s*$/.test(line)) current += line;
    else {
      documents.push(current);
      current = "";
    }
  }
  if (current !== "") documents.push(current);
  return documents;
}

function parseOne(text: string): unknown {
  const document = parseDocument(text, {
    version: "1.1",
    uniqueKeys: false,
    customTags: likeGo,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [problem] = document.errors;
  if (problem !== undefined) throw new Error(`it is not YAML: ${problem.code} ${placeIn(text, problem.pos[0])}`);
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return value;
  } catch {
    throw new Error("its aliases cannot be resolved, or are too many");
  }
}

/** yaml.v2 knows no numbers on base 60 (`12:30:45`), leaves times as text, and takes `0o17` for octal. */
export function likeGo(tags: Tags): Tags {
  const known = tags.filter((tag) => typeof tag === "string" || (!isBase60(tag) && !isTimestamp(tag.tag)));
  return [OCTAL, ...known];
}

const OCTAL: ScalarTag = {
  identify: () => false,
  default: true,
  tag: "tag:yaml.org,2002:int",
  format: "OCT",
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => Number.parseInt(text.replace(/^([-+]?)0o/, "$1").replaceAll("_", ""), 8),
};

function isBase60(tag: object): boolean {
  return "format" in tag && tag.format === "TIME";
}

function isTimestamp(tag: string): boolean {
  return tag === "tag:yaml.org,2002:timestamp";
}

function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
