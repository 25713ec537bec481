/** Finds what is nested too deep or is too much, before anything that calls itself or compares all with all sees it. */
import { Lexer, Parser, type LineCounter } from "yaml";

import { MAX_DEPTH, MAX_VALUES } from "./limits.ts";

/** How texts in quotes, aliases, and what the lexer says before each other text begin. Source: yaml, docs/07_parsing_yaml.md */
const VALUES: ReadonlySet<string> = new Set(["'", '"', "*", "\x1f"]);

export interface Excess {
  readonly offset: number;
  readonly sentence: string;
}

/** The parser's stack holds the document and the value at hand beside the maps and lists. */
const STACK_MAX = MAX_DEPTH + 2;

/**
 * @param lines  is told where lines begin, as far as the text is read
 * @returns what is first too deep, or one value too many; undefined for none
 */
export function findExcess(text: string, lines: LineCounter): Excess | undefined {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let values = 0;
  for (const lexeme of new Lexer().lex(text)) {
    // Documents that are complete are of no interest here; what is open is on the stack.
    const complete = parser.next(lexeme);
    while (complete.next().done !== true);
    const { offset, stack } = parser;
    if (stack.length > STACK_MAX) return { offset, sentence: `maps and lists are nested more than ${MAX_DEPTH} deep` };
    if (VALUES.has(lexeme.charAt(0)) && ++values > MAX_VALUES)
      return { offset, sentence: `there are more than ${MAX_VALUES} keys and values` };
  }
  return undefined;
}
