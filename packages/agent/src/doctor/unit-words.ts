/** The words of a unit's settings, without their quotes. Source: systemd.syntax(7), "Quoting" */

const WORD = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s\\])+/g;
const QUOTED = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/g;

/** @returns for each setting the words of its value: of `Environment=A=1 "B=2 3"` these are `A=1` and `B=2 3` */
export function unitWords(text: string): readonly (readonly string[])[] {
  const lines = text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
  return lines.flatMap((line) => {
    const [, value] = /^\s*[A-Za-z]+\s*=(.*)$/.exec(line) ?? [];
    return value === undefined ? [] : [splitWords(value)];
  });
}

/** Of one value, or of a script in a word of it, whose quotes are much the same. */
export function splitWords(value: string): readonly string[] {
  return (value.match(WORD) ?? []).map(unquoted);
}

/** A % is written twice, as one alone begins a specifier. */
function unquoted(word: string): string {
  return word
    .replaceAll(QUOTED, (_all, double?: string, single?: string) => (double ?? single ?? "").replaceAll(/\\(.)/g, "$1"))
    .replaceAll("%%", "%");
}
