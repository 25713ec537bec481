/** Ways to spoil a valid input: what broken hardware, broken programs and clever people would send. */
import { isJsonObject } from "@rancheros/protocol/messages";
import type { Random } from "./random.ts";

type Vectors = readonly [Buffer, ...Buffer[]];

/** Lengths that decoders have fallen for. */
const LENGTHS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff] as const;
const LONG_LENGTHS = [0, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff] as const;
/** DER lengths: of five bytes, of more than four, indefinite, padded. */
const DER_LENGTHS = ["84ffffffff", "8500000000ff", "80", "8200ff", "847fffffff", "ff"] as const;
const TEXTS = ["", "\u0000", "%%%", "A", "AA==", "====", "=AAA", "\u{1f600}", "\ud800", "__proto__", "A\nB"] as const;

function flipBits(input: Buffer, random: Random): Buffer {
  const copy = Buffer.from(input);
  for (let flips = 1 + random.below(8); flips > 0; flips -= 1) {
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  }
  return copy;
}

function replaceBytes(input: Buffer, random: Random): Buffer {
  const copy = Buffer.from(input);
  random.bytes(1 + random.below(16)).copy(copy, random.below(copy.length));
  return copy;
}

function truncate(input: Buffer, random: Random): Buffer {
  return Buffer.from(input.subarray(0, random.below(input.length)));
}

function append(input: Buffer, random: Random): Buffer {
  return Buffer.concat([input, random.bytes(1 + random.below(random.below(8) === 0 ? 4_096 : 16))]);
}

function remove(input: Buffer, random: Random): Buffer {
  const start = random.below(input.length);
  return Buffer.concat([input.subarray(0, start), input.subarray(start + 1 + random.below(32))]);
}

function repeat(input: Buffer, random: Random): Buffer {
  const start = random.below(input.length);
  const part = input.subarray(start, start + 1 + random.below(64));
  const times = 1 + random.below(8);
  return Buffer.concat([input.subarray(0, start), ...Array.from({ length: times }, () => part), input.subarray(start)]);
}

/** Every place is taken for a length of two or four bytes; now and then it is one. */
function lieAboutLength(input: Buffer, random: Random): Buffer {
  const copy = Buffer.from(input);
  const isLong = random.below(4) === 0;
  const at = random.below(copy.length - (isLong ? 3 : 1));
  const rest = copy.length - at - (isLong ? 4 : 2);
  const near = Math.max(0, rest + random.below(3) - 1);
  if (isLong && copy.length >= at + 4) copy.writeUInt32BE(random.below(2) === 0 ? near : random.pick(LONG_LENGTHS), at);
  else if (copy.length >= at + 2) copy.writeUInt16BE(random.below(2) === 0 ? near & 0xffff : random.pick(LENGTHS), at);
  return copy;
}

function lieAboutDerLength(input: Buffer, random: Random): Buffer {
  const copy = Buffer.from(input);
  Buffer.from(random.pick(DER_LENGTHS), "hex").copy(copy, random.below(copy.length));
  return copy;
}

function oddValue(random: Random): unknown {
  const text = random.pick(TEXTS);
  const values: readonly [() => unknown, ...(() => unknown)[]] = [
    () => null,
    () => true,
    () => random.pick([0, -1, 1e308, 2 ** 53, 0.5, -0]),
    () => text,
    () => text.repeat(1 + random.below(5_000)),
    () => random.bytes(random.below(1_200)).toString("base64"),
    () => [],
    () => ({}),
    () => Array.from({ length: random.below(200) }, () => text),
    () => Object.fromEntries(Array.from({ length: random.below(200) }, (_, key) => [`${text}${key}`, text])),
    () => JSON.parse("[".repeat(200) + "]".repeat(200)) as unknown,
    () => JSON.parse(`{"__proto__":{"a":"b"},"constructor":"c"}`) as unknown,
  ];
  return random.pick(values)();
}

/** The JSON with something odd in one place; what is no JSON is left to the other ways. */
function changeJson(input: Buffer, random: Random): Buffer {
  let json: unknown;
  try {
    json = JSON.parse(input.toString());
  } catch {
    return flipBits(input, random);
  }
  const change = (value: unknown): unknown => {
    if (!isJsonObject(value) || Object.keys(value).length === 0 || random.below(5) === 0) return oddValue(random);
    const entries = Object.entries(value);
    const chosen = random.below(entries.length);
    return Object.fromEntries(
      entries.flatMap(([key, child], index) => {
        if (index !== chosen) return [[key, child]];
        const fate = random.below(6);
        if (fate === 0) return [];
        if (fate === 1) return [[`${key}${random.pick(TEXTS)}`, child]];
        return [[key, change(child)]];
      }),
    );
  };
  return Buffer.from(JSON.stringify(change(json)) ?? "");
}

/** The head of one and the tail of another: each is well formed by itself. */
function splice(input: Buffer, random: Random, vectors: Vectors): Buffer {
  const other = random.pick(vectors);
  const cut = random.below(input.length + 1);
  const from = random.below(3) === 0 ? random.below(other.length + 1) : Math.min(cut, other.length);
  return Buffer.concat([input.subarray(0, cut), other.subarray(from)]);
}

type Mutator = (input: Buffer, random: Random, vectors: Vectors) => Buffer;

const MUTATORS: readonly [Mutator, ...Mutator[]] = [
  flipBits,
  replaceBytes,
  truncate,
  append,
  remove,
  repeat,
  lieAboutLength,
  lieAboutDerLength,
  changeJson,
  splice,
];

/** One of the vectors, spoilt once to three times; now and then bytes of no origin at all. */
export function mutate(vectors: Vectors, random: Random): Buffer {
  if (random.below(64) === 0) return random.bytes(random.below(1_500));
  let input: Buffer = random.pick(vectors);
  for (let times = 1 + random.below(3); times > 0; times -= 1) input = random.pick(MUTATORS)(input, random, vectors);
  return input;
}
