/** The few DER encodings that certificates are made of; nothing keeps a caller from writing nonsense with them. */

/** 2.5.4.3 */
const COMMON_NAME = "550403";

/** Name of one UTF8String; empty for none. */
export function name(commonName: string): Buffer {
  if (commonName === "") {
    return sequence();
  }
  return sequence(element(0x31, sequence(oid(COMMON_NAME), element(0x0c, Buffer.from(commonName)))));
}

/** GeneralizedTime, which also writes the year 9999. */
export function time(date: Date): Buffer {
  return element(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`));
}

export function oid(contentHex: string): Buffer {
  return element(0x06, Buffer.from(contentHex, "hex"));
}

export function sequence(...contents: readonly Buffer[]): Buffer {
  return element(0x30, ...contents);
}

export function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const length =
    content.length < 0x80
      ? Buffer.from([content.length])
      : content.length < 0x100
        ? Buffer.from([0x81, content.length])
        : Buffer.from([0x82, content.length >> 8, content.length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, content]);
}
