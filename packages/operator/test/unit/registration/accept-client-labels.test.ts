import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acceptClientLabels } from "../../../src/registration/accept-client-labels.ts";

const spec = {
  acceptedLabels: [
    "rack",
    "example.com/*",
    "rancheros.cattle.io/*",
    "kubernetes.io/*",
    "a.k8s.io/x",
    "site.example/row",
  ],
  acceptedAnnotations: ["note"],
};

describe("acceptClientLabels", () => {
  it("keeps what the registration names, with values that Kubernetes takes", () => {
    const sent = {
      labels: { rack: "R 7!", "example.com/a": "b", "site.example/row": "3" },
      annotations: { note: "a\u0007b" },
    };
    expect(acceptClientLabels(spec, sent)).toEqual({
      labels: { rack: "R-7", "example.com/a": "b", "site.example/row": "3" },
      annotations: { note: "a b" },
      dropped: [],
    });
  });

  it.each([
    "other",
    "rancheros.cattle.io/trust",
    "rancheros.cattle.io/machine-registration",
    "sub.rancheros.cattle.io/x",
    "kubernetes.io/hostname",
    "node-role.kubernetes.io/control-plane",
    "a.k8s.io/x",
    "example.com.evil/a",
    "example.com/a/b",
    "example.com/",
    "example.com/*",
    "Example.com/a",
    "site.example/other",
    "__proto__",
    "-rack",
    "",
  ])("drops %j", (key) => {
    const labels = Object.fromEntries([[key, "x"]]);
    expect(acceptClientLabels(spec, { labels, annotations: labels })).toEqual({
      labels: {},
      annotations: {},
      dropped: [key],
    });
  });

  it("takes nothing where the registration names nothing", () => {
    expect(acceptClientLabels({}, { labels: { rack: "1" }, annotations: { note: "2" } })).toMatchObject({
      labels: {},
      annotations: {},
      dropped: ["note", "rack"],
    });
  });

  it("says of a key that holds what no terminal should be sent what can be shown of it", () => {
    const labels = { ["a\u001b[2J"]: "1" };
    expect(acceptClientLabels(spec, { labels, annotations: {} }).dropped).toEqual(["a [2J"]);
  });

  it("never lets through a key that steers the cluster, whatever is accepted", () => {
    const prefix = fc.constantFrom("rancheros.cattle.io", "x.rancheros.cattle.io", "k8s.io", "y.kubernetes.io");
    fc.assert(
      fc.property(prefix, fc.string(), (owner, name) => {
        const key = `${owner}/${name}`;
        const made = acceptClientLabels(
          { acceptedLabels: [key, `${owner}/*`], acceptedAnnotations: [key] },
          { labels: { [key]: "v" }, annotations: { [key]: "v" } },
        );
        expect([made.labels, made.annotations]).toEqual([{}, {}]);
      }),
    );
  });
});
