/** What a cloud-config says of the installation, judged by itself: what is wrong, what is odd, and under which keys. */
import { closest } from "../spelling/index.ts";
import { documentFields, isMap, kernelPaths, PREFIX, plainName } from "./settings-fields.ts";
import { judgeSettings, notKnown, shortName, type SettingsProblem } from "./settings.ts";

export interface DocumentProblem {
  readonly severity: "error" | "warning";
  /** Keys as the document writes them, as far as it has them. */
  readonly path: readonly string[];
  readonly sentence: string;
  readonly of: "key" | "value";
}

const [ROOT, SECTION] = PREFIX;

/** @param document  a cloud-config as parsed YAML. @returns what is told of `rancheros` and of `install` below it */
export function judgeDocument(document: unknown): readonly DocumentProblem[] {
  const { problems, warnings } = judgeSettings(documentFields(document));
  const place = ({ path }: SettingsProblem): readonly string[] => {
    const under = written(document, [...PREFIX, ...path]);
    return under.length >= PREFIX.length ? under : written(document, [SECTION, ...path]);
  };
  return [
    ...judgeSections(document),
    ...problems.map((one) => ({ ...one, severity: "error" as const, path: place(one) })),
    ...warnings.map((one) => ({ ...one, severity: "warning" as const, path: place(one) })),
  ];
}

/** What stands beside `install`: whatever is nearly that was meant to be it. */
export function judgeSections(document: unknown): readonly DocumentProblem[] {
  return entriesOf(document)
    .filter(([key]) => plainName(key) === ROOT)
    .flatMap(([root, value]) =>
      entriesOf(value).flatMap(([key]) => {
        const problem = sectionProblem(key);
        return problem === undefined ? [] : [{ ...problem, path: [root, key] }];
      }),
    );
}

/** The same of the kernel's command line, where other programs may have words of their own: what is nearly `install`. */
export function judgeKernelWords(commandLine: string): readonly DocumentProblem[] {
  return kernelPaths(commandLine).flatMap(([root = "", key = "", ...rest]) => {
    const problem = root === ROOT && rest.length > 0 ? sectionProblem(key) : undefined;
    return problem?.severity === "error" ? [{ ...problem, path: [root, key] }] : [];
  });
}

function sectionProblem(key: string): Omit<DocumentProblem, "path"> | undefined {
  const name = plainName(key);
  if (name === SECTION) return undefined;
  const meant = closest(shortName(name), [SECTION]);
  return { severity: meant === undefined ? "warning" : "error", sentence: notKnown(meant), of: "key" };
}

/** @returns the path in the document's own spelling, as deep as it goes */
function written(value: unknown, path: readonly string[]): readonly string[] {
  const [wanted, ...rest] = path;
  if (wanted === undefined) return [];
  let deepest: readonly string[] = [];
  for (const [key, inner] of entriesOf(value)) {
    if (plainName(key) !== plainName(wanted)) continue;
    const found = [key, ...written(inner, rest)];
    if (found.length >= deepest.length) deepest = found;
  }
  return deepest;
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isMap(value) ? Object.entries(value) : [];
}
