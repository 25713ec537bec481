/** What a registry asks for before it answers: the WWW-Authenticate header of a 401. */

export type AuthChallenge =
  | { readonly scheme: "basic" }
  | {
      readonly scheme: "bearer";
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

const HEADER_LIMIT = 8_192;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;
const QUOTED = /^"((?:[^"\\]|\\.)*)"/s;

interface Scanned {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * @param header  one line or several, as they came
 * @returns       bearer before basic, where a registry offers both; undefined where it offers neither
 * Source: RFC 9110 section 11.6.1; distribution spec/auth/token.md
 */
export function parseChallenge(header: string | readonly string[] | undefined): AuthChallenge | undefined {
  const text = typeof header === "string" ? header : (header ?? []).join(", ");
  if (text.length > HEADER_LIMIT) return undefined;
  const challenges = scan(text);
  for (const { scheme, parameters } of challenges) {
    const realm = parameters.get("realm");
    if (scheme === "bearer" && realm !== undefined && realm !== "") {
      return { scheme, realm, service: parameters.get("service"), scope: parameters.get("scope") };
    }
  }
  return challenges.some(({ scheme }) => scheme === "basic") ? { scheme: "basic" } : undefined;
}

/** What cannot be read ends the scan: what stood before it counts. */
function scan(text: string): readonly Scanned[] {
  const found: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  let rest = text.replace(/^[\s,]+/, "");
  while (rest !== "") {
    const word = TOKEN.exec(rest)?.[0];
    if (word === undefined) break;
    rest = rest.slice(word.length);
    const equals = /^[ \t]*=[ \t]*/.exec(rest)?.[0];
    if (equals === undefined) {
      found.push({ scheme: word.toLowerCase(), parameters: new Map() });
    } else {
      const value = readValue(rest.slice(equals.length));
      if (value === undefined) break;
      found.at(-1)?.parameters.set(word.toLowerCase(), value.value);
      rest = value.rest;
    }
    rest = rest.replace(/^[\s,]+/, "");
  }
  return found;
}

function readValue(text: string): { readonly value: string; readonly rest: string } | undefined {
  const quoted = QUOTED.exec(text);
  if (quoted !== null) {
    return { value: (quoted[1] ?? "").replaceAll(/\\(.)/gs, "$1"), rest: text.slice(quoted[0].length) };
  }
  const token = TOKEN.exec(text)?.[0];
  return token === undefined ? undefined : { value: token, rest: text.slice(token.length) };
}
