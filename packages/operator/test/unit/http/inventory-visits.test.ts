/** What is read for who says to be a known machine: its public key, which is no secret, is all that it takes to say so. */
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { NO_TRUST_ANCHORS } from "../../../src/attestation/index.ts";
import type { MachineChallenge } from "../../../src/http/machine-challenge.ts";
import { inventoryVisits } from "../../../src/http/visit-purpose.ts";
import { InventoryIndex } from "../../../src/inventory/index.ts";
import { inventoryEntry } from "../../../src/inventory/inventory-entry.ts";

const [ONE, OTHER] = ["ab".repeat(32), "cd".repeat(32)];

function machine(ekHash: string): MachineChallenge {
  const ek = { type: "public-key", spkiDer: Buffer.alloc(0) } as const;
  return { ekHash, ek, akName: "", message: Buffer.alloc(0), checkAnswer: () => undefined };
}

interface Reading {
  readonly name: string;
  readonly answer: (text: string) => void;
  readonly fail: (error: Error) => void;
}

function stage() {
  const inventories = new InventoryIndex();
  for (const [name, tpm] of [
    ["one", ONE],
    ["other", OTHER],
  ]) {
    const metadata = { namespace: "fleet", name, uid: `uid of ${name}`, resourceVersion: "1" };
    const entry = inventoryEntry({ metadata, spec: { tpm, approval: "Approved" } });
    if (entry !== undefined) inventories.put(entry);
  }
  const readings: Reading[] = [];
  const purposeOf = inventoryVisits({
    inventories,
    registrations: { judging: () => undefined },
    anchors: { anchorsFor: () => Promise.resolve(NO_TRUST_ANCHORS) },
    nowMs: () => 0,
    inventoryAnswer: ({ metadata }) =>
      new Promise((answer, fail) => readings.push({ name: metadata.name, answer, fail })),
  });
  return { readings, visit: (ekHash: string) => purposeOf(machine(ekHash), {}) };
}

it("an unproved key has one read under way at a time, which answers all who show it", async () => {
  const { readings, visit } = stage();
  const visits = Array.from({ length: 256 }, () => visit(ONE));
  void visit(OTHER);
  await setImmediate();
  expect(readings.map(({ name }) => name)).toEqual(["one", "other"]);
  readings[0]?.answer("before the challenge");
  expect(await Promise.all(visits)).toHaveLength(256);
});

it("a key that was proved has its answer read anew, whoever asks meanwhile", async () => {
  const { readings, visit } = stage();
  const first = visit(ONE);
  await setImmediate();
  readings[0]?.answer("before the challenge");
  const purpose = await first;
  const [payload, second] = [purpose.payload(() => true), visit(ONE)];
  await setImmediate();
  expect(readings).toHaveLength(3);
  readings[1]?.answer("after the challenge");
  expect((await payload).text).toBe("after the challenge");
  readings[2]?.answer("before the challenge");
  await second;
});

it("a read that failed fails those who waited for it, and the next one asks again", async () => {
  const { readings, visit } = stage();
  const visits = [visit(ONE), visit(ONE)].map((one) => one.catch((error: unknown) => error));
  await setImmediate();
  readings[0]?.fail(new Error("the API server is away"));
  expect(await Promise.all(visits)).toMatchObject([
    { message: "the API server is away" },
    { message: "the API server is away" },
  ]);
  const next = visit(ONE);
  await setImmediate();
  readings[1]?.answer("there again");
  expect(readings).toHaveLength(2);
  await next;
});
