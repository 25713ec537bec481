/** The CA that machines are told of in their sessions, and what is said where they are not. */
import { randomBytes } from "node:crypto";
import { CA_MAX_CHARACTERS } from "@rancheros/protocol/attestation";
import { expect, it } from "vitest";
import { createCaForMachines } from "../../../src/http/ca-for-machines.ts";
import { makeCa } from "../../../src/tls/certificates.ts";

const { certificatePem: ca } = makeCa(0, randomBytes);
const bundle = ca.repeat(Math.ceil((CA_MAX_CHARACTERS + 1) / ca.length));

it("is the CA as long as machines can read it; where not, the log says so once, with its size and the limit", () => {
  const said: (readonly [sentence: string, fields: object | undefined])[] = [];
  const caForMachines = createCaForMachines({ warn: (sentence, fields) => void said.push([sentence, fields]) });
  expect(caForMachines(undefined)).toBeUndefined();
  expect(caForMachines(ca)).toBe(ca);
  expect(said).toEqual([]);
  for (let count = 0; count < 3; count += 1) expect(caForMachines(bundle)).toBeUndefined();
  expect(said).toEqual([
    [expect.stringContaining("too large"), { characters: bundle.length, limit: CA_MAX_CHARACTERS }],
  ]);
  // Another one that is no better is another finding.
  expect(caForMachines(`${bundle}\n`)).toBeUndefined();
  expect(caForMachines("no certificate")).toBeUndefined();
  expect(said).toHaveLength(3);
  expect(caForMachines(ca)).toBe(ca);
});
