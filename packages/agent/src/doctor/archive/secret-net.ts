/** Finds known secrets in bytes, in whatever form they stand there: the last net before a support archive is written. */

/** Shorter ones would be found everywhere; what has them in it is left out by structure. */
export const SECRET_MIN_BYTES = 6;
/** With those that are others without the space around them. */
export const MAX_SECRETS = 20_000;
const KEY_CHARACTERS = SECRET_MIN_BYTES;

export const REMOVED = "[removed]";

/** A part of a text, by the characters of JavaScript. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface SecretNet {
  /**
   * @param suspects  what is taken out as well; a secret that lies across its edge goes whole
   * @returns the text without any of the secrets, and how many places there were
   */
  hide(text: string, suspects?: readonly Span[]): { readonly text: string; readonly places: number };
  /** Whether one of them is in there. */
  isIn(bytes: Uint8Array): boolean;
}

/** @throws RangeError where there are more than it can look for */
export function secretNet(secrets: Iterable<string>): SecretNet {
  const unique = new Set([...secrets].flatMap((one) => [one, one.trim()]));
  if (unique.size > MAX_SECRETS) throw new RangeError(`there are more than ${MAX_SECRETS} secrets`);
  const byBeginning = new Map<string, string[]>();
  for (const needle of new Set([...unique].flatMap(formsOf))) {
    // As of `apt-get remove`: it would be found in what stands in the place of secrets.
    if (REMOVED.includes(needle)) continue;
    const key = needle.slice(0, KEY_CHARACTERS);
    const list = byBeginning.get(key);
    if (list === undefined) byBeginning.set(key, [needle]);
    else list.push(needle);
  }
  /** Which pairs of bytes any of them begins with: most places need no further look. */
  const beginnings = new Uint8Array(0x10000);
  for (const key of byBeginning.keys()) beginnings[(key.charCodeAt(0) << 8) | key.charCodeAt(1)] = 1;
  // The longest first: what is a part of another one shall not leave its rest behind.
  for (const list of byBeginning.values()) list.sort((one, other) => other.length - one.length);

  function* matches(latin: string): Generator<Span> {
    let pair = latin.charCodeAt(0);
    for (let at = 0; at + KEY_CHARACTERS <= latin.length; at++) {
      pair = ((pair & 0xff) << 8) | latin.charCodeAt(at + 1);
      if (beginnings[pair] === 0) continue;
      const found = byBeginning
        .get(latin.slice(at, at + KEY_CHARACTERS))
        ?.find((needle) => latin.startsWith(needle, at));
      if (found !== undefined) yield { from: at, to: at + found.length };
    }
  }

  return {
    hide(text, suspects = []) {
      const latin = latinOf(text);
      const known = joined([...matches(latin)]);
      const spans = suspects.length === 0 ? known : joined([...known, ...inBytes(text, suspects)]);
      let doneTo = 0;
      const parts = spans.flatMap(({ from, to }) => {
        const before = latin.slice(doneTo, from);
        doneTo = to;
        return [before, REMOVED];
      });
      parts.push(latin.slice(doneTo));
      return { text: Buffer.from(parts.join(""), "latin1").toString("utf8"), places: known.length };
    },
    isIn: (bytes) => !(matches(Buffer.from(bytes).toString("latin1")).next().done ?? false),
  };
}

/** In their order, those that lie over each other as one. */
function joined(spans: readonly Span[]): readonly Span[] {
  const whole: Span[] = [];
  for (const { from, to } of spans.toSorted((one, other) => one.from - other.from)) {
    const last = whole.at(-1);
    if (last === undefined || from >= last.to) whole.push({ from, to });
    else whole[whole.length - 1] = { from: last.from, to: Math.max(last.to, to) };
  }
  return whole;
}

/** The same parts of the text in UTF-8. */
function inBytes(text: string, spans: readonly Span[]): readonly Span[] {
  let character = 0;
  let byte = 0;
  const byteAt = (to: number): number => {
    byte += Buffer.byteLength(text.slice(character, to));
    character = to;
    return byte;
  };
  return joined(spans).map(({ from, to }) => ({ from: byteAt(from), to: byteAt(to) }));
}

/** As bytes, one character each. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  if (bytes.length < SECRET_MIN_BYTES) return [];
  const hex = bytes.toString("hex");
  const forms = [
    bytes.toString("latin1"),
    latinOf(JSON.stringify(secret).slice(1, -1)),
    latinOf(encoded(secret)),
    latinOf(encoded(secret).toLowerCase()),
    latinOf(new URLSearchParams({ x: secret }).toString().slice(2)),
    latinOf(secret.split("").toReversed().join("")),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
  ];
  return [...new Set(forms)].filter((form) => form.length >= SECRET_MIN_BYTES);
}

/** Base64 of a text in the midst of another begins at one of three places; its ends depend on the neighbours. */
function base64Forms(bytes: Buffer): readonly string[] {
  const inside = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes]);
    // Groups of three bytes that are the secret's alone.
    const from = shift === 0 ? 0 : 3;
    const to = whole.length - (whole.length % 3);
    return whole.subarray(from, Math.max(from, to)).toString("base64");
  });
  return [...inside, ...inside.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))];
}

function encoded(secret: string): string {
  // A lone surrogate has no form in UTF-8, and so none in a URL.
  return encodeURIComponent(secret.toWellFormed());
}

function latinOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}
