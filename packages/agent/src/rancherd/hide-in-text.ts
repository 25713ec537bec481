/** Free text without the secrets that can be told by what stands before them: command lines, YAML and JSON in a text. */
import { isSecretKey, isSecretOption } from "./secret-key.ts";

export const HIDDEN = "(hidden)";

/** All that may be a key. Whatever is tried at its end takes each character once: time grows with the length only. */
const KEY = /[\w.-]+/g;
/** `password: x`, `"password":"x"`, `password = x`, and what name and value a list has: `name: PASSWORD, value: x`. */
const BEFORE_LINE =
  /(?:[\\"']+[ \t]*:|[ \t]*:(?=\s|$)|:(?=["'])|[ \t]+=(?=[ \t])|[\s,\\"']*values?[\\"']*[ \t]*:)[ \t]*/iy;
/** `PASSWORD=x` */
const BEFORE_WORD = /[\\"']*=/y;
/** `--password x`, on several lines or in a list too. */
const AFTER_OPTION = /[\\"']*(?:[\s,]|\\\s)+(?:-\s+)?/y;
const QUOTED = /"(?:[^"\\]|\\[\s\S])*"|'[^']*'/y;
/** As a shell reads it; a quote inside is closed on the same line. */
const WORD = /(?:"(?:[^"\\]|\\[\s\S])*"|'[^']*')?(?:\\[\s\S]|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\S)*/y;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g;
const DIGEST = /@[a-z0-9+._-]{1,40}:[0-9a-f]{32,}$/i;

interface Value {
  readonly from: number;
  /** It goes on to the end of its line, and otherwise to the end of the word. */
  readonly isLine: boolean;
}

/** @returns the text, with what follows a secret's name, private keys and passwords of URLs replaced */
export function hideInText(text: string): string {
  // All of an environment's or an argument's value, whatever is in it.
  const [, name, value] = /^([\w.-]+)=([\s\S]+)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined && isSecretKey(name)) return `${name}=${HIDDEN}`;
  return hidePasswords(hidePrivateKeys(hideNamed(text)));
}

function hideNamed(text: string): string {
  let shown = "";
  let end = 0;
  for (const { 0: key, index } of text.matchAll(KEY)) {
    if (!isSecretKey(key)) continue;
    const value = valueAfter(text, index, key);
    // What begins in a secret is hidden with it; looking for its end again would cost the square of the length.
    if (value === undefined || value.from < end) continue;
    const { from } = value;
    const to = value.isLine ? linesEnd(text, from) : (ending(WORD, text, from) ?? from);
    if (text.slice(from, to).trim() === "") continue;
    shown += `${text.slice(end, from)}${HIDDEN}`;
    end = to;
  }
  return shown + text.slice(end);
}

/** @returns where the value of a secret's name begins; undefined where none follows */
function valueAfter(text: string, index: number, key: string): Value | undefined {
  const keyEnd = index + key.length;
  const line = ending(BEFORE_LINE, text, keyEnd);
  if (line !== undefined) return { from: line, isLine: true };
  const word =
    ending(BEFORE_WORD, text, keyEnd) ?? (isSecretOption(key) ? ending(AFTER_OPTION, text, keyEnd) : undefined);
  return word === undefined ? undefined : { from: word, isLine: false };
}

/** The rest of the line, and the lines below that YAML takes for the same value. */
function linesEnd(text: string, from: number): number {
  let end = lineEnd(text, ending(QUOTED, text, from) ?? from);
  const column = /^[\s"'-]*/.exec(text.slice(text.lastIndexOf("\n", from - 1) + 1, from))?.[0].length ?? 0;
  const hasList = text.slice(from, end).trim() === "";
  while (end < text.length) {
    const next = text.slice(end + 1, lineEnd(text, end + 1));
    const indent = next.length - next.trimStart().length;
    const isInside = indent > column || next.trim() === "" || (hasList && indent === column && next[indent] === "-");
    if (!isInside) break;
    end += 1 + next.length;
  }
  return end;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf("\n", from);
  return at === -1 ? text.length : at;
}

/** @param pattern  sticky */
function ending(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function hidePrivateKeys(text: string): string {
  let shown = "";
  let end = 0;
  for (const { 0: begin, index } of text.matchAll(PRIVATE_KEY)) {
    if (index < end) continue;
    const from = index + begin.length;
    const last = text.indexOf("-----END", from);
    shown += `${text.slice(end, from)}${HIDDEN}`;
    end = last === -1 ? text.length : last;
  }
  return shown + text.slice(end);
}

/** `https://user:password@host`: up to the last @, since passwords may have one, and a slash. */
function hidePasswords(text: string): string {
  return text.replaceAll(/:\/\/(\S+)/g, (whole: string, rest: string, index: number) => {
    const last = rest.replace(DIGEST, "").lastIndexOf("@");
    if (last === -1) return whole;
    const isWeb = /https?$/i.test(text.slice(Math.max(0, index - 5), index));
    // A user alone is a token where it is the web's.
    const hasSecret = rest.slice(0, last).includes(":") || (isWeb && !rest.slice(0, last).includes("/"));
    return hasSecret ? `://${HIDDEN}${rest.slice(last)}` : whole;
  });
}
