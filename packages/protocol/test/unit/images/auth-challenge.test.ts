import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenge } from "../../../src/images/auth-challenge.ts";

const TOKENS = { scheme: "bearer", realm: "https://auth.docker.io/token", service: "registry.docker.io" };

describe("parseChallenge", () => {
  it.each([
    // Origin: distribution docs/spec/auth/token.md, "How to authenticate".
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:samalba/my-app:pull,push"',
      { ...TOKENS, scope: "repository:samalba/my-app:pull,push" },
    ],
    // Origin: docker-registry 2.8.2 with htpasswd.
    ['Basic realm="rancheros-test"', { scheme: "basic" }],
    // Origin: RFC 9110, section 11.6.1, an example with two challenges in one line.
    ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""', { scheme: "basic" }],
    [
      'Basic realm="x", Bearer realm="https://auth.docker.io/token" , service = registry.docker.io',
      { ...TOKENS, scope: undefined },
    ],
    [
      ['Basic realm="x"', 'bearer REALM="https://auth.docker.io/token",service="registry.docker.io"'],
      { ...TOKENS, scope: undefined },
    ],
    [", ,Basic", { scheme: "basic" }],
    ["Negotiate", undefined],
    ["Bearer service=x", undefined],
    ["Bearer realm=", undefined],
    ['Basic realm="never closed', { scheme: "basic" }],
    [undefined, undefined],
    ["", undefined],
    [`Basic ${"a,".repeat(5_000)}`, undefined],
  ])("reads %j", (header, challenge) => {
    expect(parseChallenge(header)).toEqual(challenge);
  });

  it("gives a challenge or nothing for any text", () => {
    const piece = fc.constantFrom("Bearer", "Basic", " ", ",", "=", '"', "\\", "realm", "x", "☃");
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, (header) => {
        const challenge = parseChallenge(header);
        expect(challenge === undefined || ["basic", "bearer"].includes(challenge.scheme)).toBe(true);
      }),
    );
  });
});
