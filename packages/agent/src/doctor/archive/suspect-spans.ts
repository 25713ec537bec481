/** What looks like a secret in free text, whether this machine knows it or not: passwords of somebody else, too. */
import { NAMING_WORD } from "./secret-name.ts";
import type { Span } from "./secret-net.ts";

/** Bounded everywhere: a log may hold a word of any length. */
const NAME_END = `${NAMING_WORD}[\\w.-]{0,40}`;
/** In JSON that is a text of JSON, a quote has backslashes before it: as many at its end as at its beginning. */
const ESCAPED = String.raw`(?<quote>\\{1,16}["'])[^\n]{0,1024}?(?<!\\)\k<quote>`;
const VALUE = `(?:${ESCAPED}|${String.raw`"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,;&]+`})`;

/** A group is what stands before a secret; what follows it in the match is the secret. */
const RULES: readonly RegExp[] = [
  // A key that is cut off goes up to the end of the text.
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
  /((?:(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,40}(?:key|token|auth)[a-z-]{0,40})["']?\s*[:=]\s*)[^\n]*/gi,
  /(\b(?:bearer|basic|negotiate)\s+)[A-Za-z0-9+/=_.~-]{6,}/gi,
  /\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g,
  // Up to the last @ of the server: a password may have one.
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s"']{1,512}(?=@)/gi,
  /(\/(?:registration|boot|import)\/)[^/\s?"']+/g,
  new RegExp(String.raw`(${NAME_END}\\{0,16}["']?\s*[:=]\s*)${VALUE}`, "gi"),
  new RegExp(String.raw`(--[\w.-]{0,40}${NAME_END}\s+)(?!-)${VALUE}`, "gi"),
  /\bK10[0-9a-f]{32,}(?:::[^\s"']*)?/g,
  /\$(?:1|2[abxy]|5|6|7|y|gy|argon2[a-z]*)\$[^\s:"']{8,}/g,
  /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g,
  /\b[A-Za-z0-9+/]{120,}={0,2}/g,
];

/** Each rule looks at the text as it was written: what is taken out by one hides nothing from another. */
export function suspectSpans(text: string): readonly Span[] {
  return RULES.flatMap((rule) =>
    [...text.matchAll(rule)].map(({ index, 0: { length }, 1: before = "" }) => ({
      from: index + before.length,
      to: index + length,
    })),
  );
}
