import { describe, expect, it } from "vitest";
import { canonicalJson, planId, type Execution } from "../../../src/rollout/plan-id.ts";

const execution: Execution = {
  reference: `registry.example.com/os@sha256:${"ab".repeat(32)}`,
  cloudConfig: { runcmd: ["true"], a: { c: 1, b: null } },
  prepare: { image: "x@sha256:1", env: [{ name: "A", value: "1" }] },
  upgradeContainer: undefined,
};

describe("the name of a plan", () => {
  it("stays the same from version to version: another one would send all machines on their way again", () => {
    expect(planId(execution)).toBe("7abc40b62d2a7dadd62976200df6255f0e936a4078d3dc666b3f85f85670aaaa");
  });

  it("does not depend on the order of keys, on null, nor on how env is called", () => {
    const same: Execution = {
      upgradeContainer: undefined,
      prepare: { envs: [{ value: "1", name: "A" }], image: "x@sha256:1" },
      cloudConfig: { a: { c: 1 }, runcmd: ["true"] },
      reference: execution.reference,
    };
    expect(planId(same)).toBe(planId(execution));
  });

  it.each<[string, Partial<Execution>]>([
    ["the digest", { reference: `registry.example.com/os@sha256:${"cd".repeat(32)}` }],
    ["the cloud config", { cloudConfig: { runcmd: ["false"] } }],
    ["a container's argument", { prepare: { ...execution.prepare, args: ["x"] } }],
    ["a container that is there", { upgradeContainer: {} }],
  ])("is another one where %s differs", (_, change) => {
    expect(planId({ ...execution, ...change })).not.toBe(planId(execution));
  });

  it("tells apart what looks alike", () => {
    expect(canonicalJson({ a: ["1", "2"] })).toBe('{"a":["1","2"]}');
    expect(canonicalJson({ a: "1,2" })).not.toBe(canonicalJson({ a: ["1", "2"] }));
    expect(canonicalJson({ a: 1 })).not.toBe(canonicalJson({ a: "1" }));
    expect(canonicalJson([undefined, null])).toBe("[null,null]");
  });
});
