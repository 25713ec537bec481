import { describe, expect, it } from "vitest";

import { checkContainerSpec, type ContainerSpec } from "../../../src/containers/container-spec.ts";
import { parseSecurityContext } from "../../../src/containers/security-context.ts";

const GOOD: ContainerSpec = { name: "ros-agent-upgrade", run: "sha256:a/1", image: "registry.test/os@sha256:a" };

function problemsOf(spec: Partial<ContainerSpec>): string {
  try {
    checkContainerSpec({ ...GOOD, ...spec });
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("checkContainerSpec", () => {
  it("lets through what a plan asks for", () => {
    expect(
      problemsOf({
        command: ["/usr/sbin/suc-upgrade"],
        args: [],
        env: { SYSTEM_UPGRADE_NODE_NAME: "n", "with.dots": "" },
        mounts: [{ source: "/a,b", destination: "/data" }],
        hostRoot: "/",
        labels: { "rancheros.cattle.io/plan": "p" },
        securityContext: { capabilities: { add: ["CAP_SYS_BOOT", "NET_ADMIN"] } },
      }),
    ).toBe("");
  });

  it.each([
    ["name", { name: "coredns" }],
    ["run", { run: "two\nlines" }],
    ["image", { image: "--privileged" }],
    ["command", { command: ["a\0b"] }],
    ["env", { env: { "A B": "x" } }],
    ["env.KEY", { env: { KEY: "line one\nline two" } }],
    ["mounts[0].source", { mounts: [{ source: "relative", destination: "/x" }] }],
    ["mounts[0].destination", { mounts: [{ source: "/x", destination: "/" }] }],
    ["files[0].destination", { files: [{ destination: "/run/../etc/shadow", content: "" }] }],
    ["hostRoot", { hostRoot: "/a\nb" }],
    ["securityContext.capabilities", { securityContext: { capabilities: { add: ["--x"] } } }],
    ["labels", { labels: { "a=b": "x" } }],
  ] as const)("names %s where it cannot be", (field, spec) => {
    expect(problemsOf(spec)).toContain(field);
  });

  it("shows no value of a variable, as it may be a secret", () => {
    expect(problemsOf({ env: { KEY: "hunter2\n", "BAD NAME": "hunter2" } })).not.toContain("hunter2");
  });
});

describe("parseSecurityContext", () => {
  it("is privileged where nothing is said, and what is said otherwise", () => {
    expect(parseSecurityContext(undefined)).toEqual({ privileged: true });
    expect(parseSecurityContext({ runAsUser: 1000, capabilities: { drop: ["ALL"] } })).toMatchObject({
      privileged: undefined,
      runAsUser: 1000,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("names all that it cannot do, instead of passing it over", () => {
    const told = {
      privileged: "yes",
      seccompProfile: { type: "RuntimeDefault" },
      runAsUser: -1,
      capabilities: { add: "x" },
    };
    expect(() => parseSecurityContext(told)).toThrow(
      /seccompProfile: is not supported.*privileged: is neither.*runAsUser: is no user.*capabilities\.add: is not a list/,
    );
  });
});
