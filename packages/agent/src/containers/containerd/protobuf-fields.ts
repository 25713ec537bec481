/** Messages in protobuf's encoding, as far as containerd's are needed. Source: protobuf's "Encoding" */
import { ContainerError } from "../errors.ts";

/** Of text or of an inner message its bytes, of a number its value. */
export type FieldValue = Buffer | number;

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_PREFIXED = 2;
const FIXED_32 = 5;
/** Of 64 bits in groups of seven. */
const MAX_VARINT_BYTES = 10;

/** A field of text, or of an inner message. */
export function encodeField(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | LENGTH_PREFIXED]), encodeVarint(bytes.length), bytes]);
}

/** Seven bits a byte, the lowest first. */
function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/**
 * The last of each field, by its number. What is not there has its type's nothing: 0, or no bytes.
 * Numbers above 2^53 lose their last digits; none that is looked at has so many.
 * @throws ContainerError CONTAINER_NONSENSE
 */
export function decodeFields(message: Buffer): ReadonlyMap<number, FieldValue> {
  const fields = new Map<number, FieldValue>();
  let at = 0;
  const take = (bytes: number): Buffer => {
    if (bytes > message.length - at) throw nonsense("ends within a field");
    at += bytes;
    return message.subarray(at - bytes, at);
  };
  const varint = (): number => {
    let value = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      const byte = take(1)[0] ?? 0;
      value += (byte & 0x7f) * 0x80 ** index;
      if (byte < 0x80) return value;
    }
    throw nonsense("has a number that does not end");
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const wireType = key % 8;
    if (wireType === VARINT) fields.set(number, varint());
    else if (wireType === LENGTH_PREFIXED) fields.set(number, take(varint()));
    else if (wireType === FIXED_64) take(8);
    else if (wireType === FIXED_32) take(4);
    else throw nonsense(`has a field of type ${wireType}`);
  }
  return fields;
}

function nonsense(why: string): ContainerError {
  return new ContainerError("CONTAINER_NONSENSE", `containerd's answer ${why}`);
}
