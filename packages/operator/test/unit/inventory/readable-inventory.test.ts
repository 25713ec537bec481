import * as fc from "fast-check";
import { parseMachineInventory } from "@rancheros/protocol/resources";
import { describe, expect, it } from "vitest";
import { overLeftOut, readableInventory } from "../../../src/inventory/readable-inventory.ts";

const metadata = { name: "m1", namespace: "fleet-default", uid: "u1", resourceVersion: "1" };
const object = (status: unknown, spec: object = { clusterName: "c" }): object => ({ metadata, spec, status });

function statusOf(status: unknown): unknown {
  const read = readableInventory(object(status));
  return read.ok ? read.inventory.status : read.problems;
}

describe("readableInventory", () => {
  it("leaves what can be read as it is", () => {
    const good = object({ attestation: { class: "hardware" }, os: { name: "RancherOS" } });
    expect(readableInventory(good)).toEqual({ ok: true, inventory: good, leftOut: [] });
  });

  it("leaves out of the status what cannot be read, and no more", () => {
    const approved = { type: "Approved", status: "True" };
    expect(
      statusOf({
        attestation: { class: "quantum", challenge: "1.2", certificateSha256: "ab" },
        conditions: [{ type: "Attested", status: "Perhaps" }, approved, { type: "Late", status: 1 }],
        node: { name: "n1", labels: { "a/b": 7, "a~b": 7, zone: "a" }, ready: "yes" },
        os: [],
        agentVersion: 7,
      }),
    ).toEqual({
      attestation: { challenge: "1.2", certificateSha256: "ab" },
      conditions: [approved],
      node: { name: "n1", labels: { zone: "a" } },
    });
    expect(statusOf({ node: { name: 7, ready: true }, agentVersion: "1" })).toEqual({ agentVersion: "1" });
    expect(statusOf("none")).toBeUndefined();
  });

  it("keeps an upgrade of whose phase nothing is known, as one that is under way", () => {
    const upgrade = { image: "os", plan: "p", attempt: 3, phase: "Rehearsing" };
    expect(statusOf({ upgrade })).toEqual({ upgrade: { ...upgrade, phase: "Upgrading" } });
  });

  it("leaves nothing out of the rest, and names what is bad there", () => {
    const bad = { config: { labels: { rack: 7 } } };
    const read = readableInventory(object({ attestation: { class: "quantum" } }, bad));
    expect(read).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^\/spec\/config\/labels\/rack must be string/)],
    });
    for (const nothing of [undefined, null, 7, [], {}]) expect(readableInventory(nothing).ok).toBe(false);
  });

  it("reads something of every status", () => {
    const field = fc.constantFrom(
      "attestation",
      "conditions",
      "upgrade",
      "node",
      "os",
      "addresses",
      "lastSeen",
      "other",
    );
    const key = fc.constantFrom("class", "phase", "name", "labels", "type", "status", "0", "a/b", "");
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant("hardware"), fc.constant("Idle"));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf, fc.dictionary(key, tie("tree")), fc.array(tie("tree"), { maxLength: 20 })),
    }));
    fc.assert(
      fc.property(fc.oneof(tree, fc.dictionary(field, tree)), (status) => {
        const read = readableInventory(object(status));
        expect(read.ok && parseMachineInventory(read.inventory).ok).toBe(true);
        expect(read.ok && read.leftOut.length === 0).toBe(parseMachineInventory(object(status)).ok);
      }),
    );
  });
});

describe("overLeftOut", () => {
  it("takes away what could not be read where the field is written, and nowhere else", () => {
    const leftOut = [
      ["status", "node", "labels", "rack"],
      ["status", "node", "ready"],
      ["status", "os", "image"],
      ["status", "agentVersion"],
      ["status", "conditions", "0"],
      ["status", "attestation", "class"],
    ];
    expect(
      overLeftOut(
        { node: { name: "n1", ready: true }, conditions: [], agentVersion: "2", attestation: { challenge: "1.2" } },
        leftOut,
      ),
    ).toEqual({
      node: { name: "n1", ready: true, labels: { rack: null } },
      conditions: [],
      agentVersion: "2",
      attestation: { challenge: "1.2" },
    });
    expect(overLeftOut({ os: { name: "x", image: undefined } }, leftOut)).toEqual({ os: { name: "x", image: null } });
  });
});
