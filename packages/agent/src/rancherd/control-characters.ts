/** Characters that Go's readers of YAML refuse, or take for the end of a line, where they stand as they are. */

/** Source: yaml.v2 and yaml.v3, readerc.go, yaml_parser_update_buffer; a byte order mark may begin a stream. */
const REFUSED = /[^\P{Cc}\t\n\r\u0085]|[\ufffe\uffff]|(?<!^)\ufeff/u;
/** Those of them that JSON leaves as they are, and the breaks of YAML 1.1, 5.4. */
const UNSPELLED = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/gu;

/** @returns the place of the first that Go refuses; undefined where there is none */
export function placeOfRefused(text: string): number | undefined {
  return REFUSED.exec(text)?.index;
}

export function hasUnspelled(text: string): boolean {
  return text.search(UNSPELLED) !== -1;
}

/** @param quoted  what stands between double quotes, or a text in which such characters stand nowhere else */
export function spellCharacters(quoted: string): string {
  return quoted.replaceAll(UNSPELLED, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code}`;
  });
}
