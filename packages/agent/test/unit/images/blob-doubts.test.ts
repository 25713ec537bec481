import { describe, expect, it } from "vitest";

import { blobDoubts } from "../../../src/images/blob-doubts.ts";
import type { Endpoint } from "../../../src/images/endpoints.ts";

function asked(host: string): { readonly endpoint: Endpoint } {
  const root = `https://${host}/v2`;
  const tls = { caFile: undefined, certFile: undefined, keyFile: undefined, skipVerify: false };
  return { endpoint: { host, root, repository: "os", account: undefined, tls, mirrorOf: undefined } };
}

const [mirror, other, registry] = [asked("mirror"), asked("other"), asked("registry")];
const all = [mirror, other, registry];

describe("blobDoubts", () => {
  it("puts whoever is doubted behind all others, the last one to the end", () => {
    const doubts = blobDoubts();
    expect(doubts.sorted("a", all)).toEqual(all);
    doubts.add("a", mirror);
    expect(doubts.sorted("a", all)).toEqual([other, registry, mirror]);
    doubts.add("a", other);
    doubts.add("a", registry);
    expect(doubts.sorted("a", all)).toEqual([mirror, other, registry]);
    doubts.add("a", mirror);
    expect(doubts.sorted("a", all)).toEqual([other, registry, mirror]);
  });

  it("says nothing of other blobs, and nothing of the same registry's other repositories", () => {
    const doubts = blobDoubts();
    doubts.add("a", mirror);
    expect(doubts.sorted("b", all)).toEqual(all);
    const elsewhere = all.map(({ endpoint }) => ({ endpoint: { ...endpoint, repository: "app" } }));
    expect(doubts.sorted("a", elsewhere)).toEqual(elsewhere);
  });

  it("forgets the oldest of more than a thousand", () => {
    const doubts = blobDoubts();
    for (let at = 0; at <= 1_000; at++) doubts.add(String(at), mirror);
    expect(doubts.sorted("0", all)).toEqual(all);
    expect(doubts.sorted("1", all)).toEqual([other, registry, mirror]);
  });
});
