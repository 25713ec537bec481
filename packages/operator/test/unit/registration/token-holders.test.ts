/** Who has which token, beside the plainest way to know it: looking at all of them each time. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RegistrationIndex } from "../../../src/registration/registration-index.ts";
import type { RegistrationTokens } from "../../../src/registration/registration-tokens.ts";
import { TokenHolders } from "../../../src/registration/token-holders.ts";
import { tokenDigest } from "../../../src/registration/token-secret.ts";

const KEYS = ["n/a", "n/b", "n/c", "n/d"];
const TOKENS = ["first", "second", "third"];

/** Far more than anybody has: what grows with the square of it takes minutes. */
const MANY = 30_000;

const tokens: fc.Arbitrary<RegistrationTokens> = fc.record({
  token: fc.constantFrom(...TOKENS),
  previous: fc.option(fc.record({ token: fc.constantFrom(...TOKENS), expiresMs: fc.integer({ min: 0, max: 10 }) }), {
    nil: undefined,
  }),
  rotation: fc.constant(0),
});
const change = fc.record({ key: fc.constantFrom(...KEYS), tokens: fc.option(tokens, { nil: undefined }) });

describe("the holders of tokens", () => {
  it("are those that one finds by looking at all, at any time, and who is affected is told", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.integer({ min: 0, max: 11 }), (changes, nowMs) => {
        const holders = new TokenHolders();
        const all = new Map<string, RegistrationTokens>();
        const valid = (key: string): readonly string[] => {
          const { token, previous } = all.get(key) ?? {};
          const isOver = previous === undefined || previous.expiresMs <= nowMs;
          return [...(token === undefined ? [] : [token]), ...(isOver ? [] : [previous.token])];
        };
        const isShared = (key: string): boolean =>
          valid(key).some((token) => KEYS.some((other) => other !== key && valid(other).includes(token)));
        for (const one of changes) {
          const before = new Map(KEYS.map((key) => [key, isShared(key)]));
          if (one.tokens === undefined) all.delete(one.key);
          else all.set(one.key, one.tokens);
          const touched = holders.set(one.key, one.tokens);
          for (const key of KEYS) {
            expect(holders.isShared(key, nowMs)).toBe(isShared(key));
            if (key !== one.key && before.get(key) !== isShared(key)) expect(touched).toContain(key);
          }
          for (const token of TOKENS) {
            const having = KEYS.filter((key) => valid(key).includes(token));
            const only = having.length === 1 ? having[0] : undefined;
            expect(holders.onlyHolder(tokenDigest(token), nowMs)?.key).toBe(only);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("many registrations", () => {
  const entry = (index: number, spec: object) => {
    const metadata = { name: `r${index}`, namespace: "n", uid: `u${index}`, resourceVersion: "1" };
    return { metadata, registration: { metadata, spec }, unread: undefined };
  };
  const secret = (name: string, token: string) => ({
    metadata: { name, namespace: "n", uid: `s-${name}`, resourceVersion: "1" },
    ownerUid: undefined,
    ownerName: undefined,
    isOwned: false,
    token,
    registrationUrl: undefined,
    previous: undefined,
    rotation: 0,
  });

  it("that share one given token cost no more, each, than one", () => {
    const index = new RegistrationIndex();
    const shared = { token: { secretName: "shared" } };
    index.putSecret(secret("shared", "a".repeat(20)));
    for (let count = 0; count < MANY; count += 1) index.put(entry(count, shared));
    expect(index.putSecret(secret("shared", "b".repeat(20)))).toHaveLength(MANY);
    let [sharing, told] = [0, 0];
    for (let count = 0; count < MANY; count += 1) {
      if (index.isShared(`n/r${count}`, 0)) sharing += 1;
      told += index.put(entry(count, shared)).length;
    }
    expect(sharing).toBe(MANY);
    // A change of one tells not all others each time.
    expect(told).toBeLessThan(10 * MANY);
  });

  it("of which each has a token of its own cost no more, each, than one, when their Secrets come", () => {
    const index = new RegistrationIndex();
    for (let count = 0; count < MANY; count += 1) index.put(entry(count, {}));
    const told: string[] = [];
    for (let count = 0; count < MANY; count += 1) {
      told.push(...index.putSecret(secret(`registration-r${count}`, `${"a".repeat(16)}${count}`)));
    }
    expect(told).toHaveLength(MANY);
    expect(index.isShared("n/r0", 0)).toBe(false);
  });
});
