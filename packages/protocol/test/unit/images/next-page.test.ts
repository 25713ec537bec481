import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { nextPage } from "../../../src/images/index.ts";

const FROM = new URL("https://registry.example.com/v2/os/referrers/sha256:00?artifactType=x&ns=docker.io");
const PATH = "/v2/os/referrers/sha256:00";

function next(link: string | undefined): string | undefined {
  const url = nextPage(link, FROM);
  return typeof url === "object" ? url.href.slice(FROM.origin.length) : url;
}

describe("nextPage", () => {
  it.each([
    [`<${PATH}?n=2&ns=docker.io>; rel="next"`, `${PATH}?n=2&ns=docker.io`],
    [`<${PATH}?n=2>; rel="next"`, `${PATH}?n=2&ns=docker.io`],
    [`<https://registry.example.com${PATH}?n=2>;rel=next`, `${PATH}?n=2&ns=docker.io`],
    [`<${PATH}?n=1>; rel="prev", <${PATH}?n=3>; rel="next"`, `${PATH}?n=3&ns=docker.io`],
    [`<${PATH}?n=3>; title="a"; rel="next"; type="b"`, `${PATH}?n=3&ns=docker.io`],
    ["<?n=4>; rel=next", `${PATH}?n=4&ns=docker.io`],
    // Origin: RFC 8288, section 3 and the examples of 3.5.
    [`<${PATH}?n=5>; title="a, b"; rel="next"`, `${PATH}?n=5&ns=docker.io`],
    [`<${PATH}?n=5>; title="a <b>, \\"c\\"; rel=prev"; rel="next"`, `${PATH}?n=5&ns=docker.io`],
    [`</x>; title="</y>; rel=next", <${PATH}?n=6>; rel="next"`, `${PATH}?n=6&ns=docker.io`],
    [`</style.css>; rel=preload; as=style, <${PATH}?n=6>; rel="next"`, `${PATH}?n=6&ns=docker.io`],
    [`<${PATH}?n=7>; rel="last next"`, `${PATH}?n=7&ns=docker.io`],
    [`<${PATH}?n=7>; REL = Next`, `${PATH}?n=7&ns=docker.io`],
  ])("is at %s", (link, wanted) => {
    expect(next(link)).toBe(wanted);
  });

  it.each([
    undefined,
    "",
    "nonsense",
    `<${PATH}?n=2>; rel="prev"`,
    `<${PATH}?n=2>; rel="nextdoor"`,
    "<>; rel=next",
    `<${PATH}?n=2>; title="rel=next"`,
    `<${PATH}?n=2>; rel=prev; rel=next`,
  ])("is not there: %s", (link) => {
    expect(next(link)).toBeUndefined();
  });

  it.each([
    "https://evil.example/v2/os/referrers/sha256:00?n=2",
    "//evil.example/v2/os/referrers/sha256:00?n=2",
    "http://registry.example.com/v2/os/referrers/sha256:00?n=2",
    "https://registry.example.com:8443/v2/os/referrers/sha256:00?n=2",
    "https://somebody:secret@registry.example.com/v2/os/referrers/sha256:00?n=2",
    "/v2/other/referrers/sha256:00?n=2",
    "/v2/os/referrers/../../../admin",
    "/v2/os/referrers/sha256:00?artifactType=x&ns=docker.io",
    "file:///etc/passwd",
  ])("is nowhere that an account would be taken to: %s", (target) => {
    expect(next(`<${target}>; rel="next"`)).toBe("elsewhere");
  });

  it("is looked for no longer than the limit", () => {
    const pieces = ["<", "<a>", '<a>"', '<a>;x="', '"', "\\", '"\\', ";", "; rel", "a"];
    const look = (): void => {
      for (const piece of pieces) next(piece.repeat(1_000_000));
    };
    expect(cpuMsOf(look)).toBeLessThan(SOON_MS);
  });

  it("is never at another server, whatever a header says", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 60 }), fc.webUrl()), (target) => {
        const url = nextPage(`<${target}>; rel="next"`, FROM);
        expect(typeof url === "object" ? [url.origin, url.pathname] : [FROM.origin, PATH]).toEqual([FROM.origin, PATH]);
      }),
    );
  });
});
