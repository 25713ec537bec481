import { describe, expect, it } from "vitest";
import { inventoryAnswer } from "../../../src/inventory/inventory-answer.ts";

describe("inventoryAnswer", () => {
  // Origin: the original's answer for machine-a, with the taints where they belong.
  it("is the original's answer with taints as taints", () => {
    const config = {
      role: "server",
      nodeName: "node-a",
      address: "203.0.113.10",
      internalAddress: "10.1.2.3",
      labels: { zone: "z1" },
      taints: [
        { key: "dedicated", value: "edge", effect: "NoSchedule" },
        { key: "novalue", effect: "NoExecute" },
      ],
    };
    expect(inventoryAnswer(config, "crt-token-of-machine-a")).toBe(
      '{"role":"server","nodeName":"node-a","address":"203.0.113.10","internalAddress":"10.1.2.3",' +
        '"taints":["dedicated=edge:NoSchedule","novalue:NoExecute"],"labels":["zone=z1"],"token":"crt-token-of-machine-a"}\n',
    );
  });

  it("leaves out what is empty, as the original's objects have it", () => {
    expect(inventoryAnswer({ labels: null, role: "" }, "t")).toBe('{"token":"t"}\n');
    expect(inventoryAnswer(undefined, "t")).toBe('{"token":"t"}\n');
    expect(inventoryAnswer(null, "t")).toBe('{"token":"t"}\n');
  });

  // Origin: the original's answer for the same object, whose Go reads null as the empty text.
  it("says a label without a value as the original does", () => {
    expect(inventoryAnswer({ labels: { "node-role.kubernetes.io/worker": null, zone: "a" } }, "t")).toBe(
      '{"labels":["node-role.kubernetes.io/worker=","zone=a"],"token":"t"}\n',
    );
  });

  it("hands on other configuration of rancherd, but nothing in the place of the token", () => {
    const config = { role: "agent", tlsSans: ["a.example"], token: "forged", nothing: null };
    const answer = inventoryAnswer(config, "t");
    expect(JSON.parse(answer)).toEqual({ role: "agent", token: "t", tlsSans: ["a.example"] });
  });
});
