/** Shared secrets of machines without a TPM, also very many of them. */
import { describe, expect, it } from "vitest";
import { TokenSecretIndex } from "../../../src/inventory/index.ts";

function secret(number: number, token: string) {
  const metadata = { name: `s${number}`, namespace: "n", uid: `u${number}`, resourceVersion: "1" };
  return { metadata, token: Buffer.from(token) };
}

const namesOf = (found: readonly { readonly metadata: { readonly name: string } }[]): readonly string[] =>
  found.map(({ metadata }) => metadata.name);

describe("TokenSecretIndex", () => {
  it("finds by the token, also by one that was changed, and none that is gone", () => {
    const index = new TokenSecretIndex();
    index.put(secret(1, "one"));
    index.put(secret(2, "two"));
    index.put(secret(3, "one"));
    expect(namesOf(index.withToken(Buffer.from("one")))).toEqual(["s1", "s3"]);
    index.put(secret(1, "two"));
    expect(namesOf(index.withToken(Buffer.from("one")))).toEqual(["s3"]);
    expect(namesOf(index.withToken(Buffer.from("two")))).toEqual(["s2", "s1"]);
    index.delete(secret(3, ""));
    expect(index.withToken(Buffer.from("one"))).toEqual([]);
  });

  it("takes in and lets go thousands of one token, each for the same price", () => {
    const index = new TokenSecretIndex();
    const all = Array.from({ length: 40_000 }, (_, number) => secret(number, "the same"));
    for (const one of all) index.put(one);
    expect(index.withToken(Buffer.from("the same"))).toHaveLength(40_000);
    for (const one of all) index.delete(one);
    expect(index.withToken(Buffer.from("the same"))).toEqual([]);
  });
});
