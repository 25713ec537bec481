/** Numbers as Go's yaml.v2 reads them: what is none to it is text, also where it looks like one. */
import type { ScalarTag, Tags } from "yaml";

const INTEGER = /^[-+]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d*)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;
const MOST_UNSIGNED = 2n ** 64n - 1n;

/** Longer than what fits into 64 bits, in whatever base; the time that reading takes grows faster than the text. */
const LONGEST_WHOLE = 128;

type Kind = "int" | "unsigned" | "float";

/**
 * @returns undefined for what is text to Go, such as a number too big for 64 bits that is not decimal, or 1e999
 * Source: yaml.v2 resolve.go, resolve
 */
function readNumber(text: string): { readonly kind: Kind; readonly value: number } | undefined {
  // An underscore may stand wherever the text begins as a number does, and only between digits where that is a point.
  const plain = text.replaceAll(/^[-+\d]/.test(text) ? "_" : /(?<=\d)_(?=\d)/g, "");
  const whole = plain.length <= LONGEST_WHOLE && INTEGER.test(plain) ? wholeOf(plain) : undefined;
  if (whole !== undefined && whole >= LEAST && whole <= MOST) return { kind: "int", value: Number(whole) };
  if (whole !== undefined && whole >= 0n && whole <= MOST_UNSIGNED && !plain.startsWith("+")) {
    return { kind: "unsigned", value: Number(whole) };
  }
  const value = FLOAT.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(value) ? { kind: "float", value } : undefined;
}

/** JavaScript knows neither a sign before 0x nor octal numbers that begin with 0 only. */
function wholeOf(plain: string): bigint {
  const digits = plain.replace(/^[-+]/, "").replace(/^0(?=[0-7])/, "0o");
  const size = BigInt(digits.toLowerCase());
  return plain.startsWith("-") ? -size : size;
}

/** What has no tag, and looks like a number. */
const NUMBER: ScalarTag = {
  identify: () => false,
  default: true,
  tag: "tag:yaml.org,2002:float",
  test: /^[-+]?_*(?:0_*[xX][\da-fA-F_]+|0_*[bB][01_]+|0_*[oO][0-7_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE]_*[-+]?_*\d[\d_]*)?)$/,
  resolve: (text) => readNumber(text)?.value ?? text,
};

/** For what is only read. Go takes a whole number for !!float, if it is one with a sign. */
export const NUMBERS_BY_TAG: readonly ScalarTag[] = [
  byTag("int", (kind) => kind !== "float"),
  byTag("float", (kind) => kind !== "unsigned"),
];

function byTag(name: "int" | "float", isOf: (kind: Kind) => boolean): ScalarTag {
  return {
    identify: () => false,
    tag: `tag:yaml.org,2002:${name}`,
    resolve(text, onError) {
      const number = readNumber(text);
      if (number === undefined || !isOf(number.kind)) onError(`no ${name}`);
      return number?.value ?? text;
    },
  };
}

/** Those of the parser take more for numbers (`e5`, `.`) and are left for what is written; but .inf and .nan are the same ones. */
export function numbersLikeGo(tags: Tags): Tags {
  return [NUMBER, ...tags.map((tag) => (typeof tag === "string" || !isNumber(tag) ? tag : withoutTest(tag)))];
}

function isNumber(tag: Exclude<Tags[number], string>): tag is ScalarTag {
  if (tag.collection !== undefined || tag.test?.test(".inf") === true) return false;
  return tag.tag === "tag:yaml.org,2002:int" || tag.tag === "tag:yaml.org,2002:float";
}

function withoutTest({ test: _test, ...rest }: ScalarTag): ScalarTag {
  return rest;
}
