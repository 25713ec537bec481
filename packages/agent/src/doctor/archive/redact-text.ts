/** Takes out of free text what looks like a secret, whether this machine knows it or not: passwords of somebody else, too. */
import { REMOVED } from "./secret-net.ts";

/** Bounded everywhere: a log may hold a word of any length. */
const NAME =
  "[\\w.-]{0,40}(?:token|passw(?:or)?d|passwd|secret|credential|private[_-]?key|api[_-]?key|access[_-]?key|client[_-]?key)[\\w.-]{0,40}";

/** In this order: what a later one would cut in half goes first. */
const RULES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // A key that is cut off goes up to the end of the text.
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g, REMOVED],
  [
    /((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,40}(?:key|token|auth)[a-z-]{0,40})(["']?\s*[:=]\s*)[^\n]*/gi,
    `$1$2${REMOVED}`,
  ],
  [/\b(bearer|basic|negotiate)\s+[A-Za-z0-9+/=_.~-]{6,}/gi, `$1 ${REMOVED}`],
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g, REMOVED],
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s@"']{1,512}@/gi, `$1${REMOVED}@`],
  [/(\/(?:registration|boot|import)\/)[^/\s?"']+/g, `$1${REMOVED}`],
  [new RegExp(`(${NAME})(["']?\\s*[:=]\\s*)("(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|[^\\s,;&]+)`, "gi"), `$1$2${REMOVED}`],
  [new RegExp(`(--${NAME})(\\s+)(?!-)\\S+`, "gi"), `$1$2${REMOVED}`],
  [/\bK10[0-9a-f]{32,}(?:::[^\s"']*)?/g, REMOVED],
  [/\$(?:1|2[abxy]|5|6|7|y|gy|argon2[a-z]*)\$[^\s:"']{8,}/g, REMOVED],
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, REMOVED],
  [/\b[A-Za-z0-9+/]{120,}={0,2}/g, REMOVED],
];

export function redactText(text: string): string {
  return RULES.reduce((left, [pattern, replacement]) => left.replaceAll(pattern, replacement), text);
}
