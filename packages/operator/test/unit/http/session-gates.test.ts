/** A gate that is full keeps out those for whom it is, and nobody else. */
import { randomBytes } from "node:crypto";
import { readProtocolRefusal } from "@rancheros/protocol/attestation";
import { expect, it } from "vitest";
import { createSessionGates, type SessionGates } from "../../../src/http/session-gate.ts";
import { createProtocolEndpoint } from "../../../src/http/protocol-endpoint.ts";
import type { ProtocolParts } from "../../../src/http/protocol-parts.ts";
import { sealSession } from "../../../src/session/index.ts";
import { deriveSealKeys } from "../../../src/session/session-keys.ts";

const NOW = Date.parse("2027-06-01T00:00:00Z");
const keys = deriveSealKeys({ id: Buffer.alloc(4, 1), secret: Buffer.alloc(32, 2), madeAtMs: NOW });
const subject = { uid: "u", namespace: "fleet", name: "m", ekHash: "ab".repeat(32) };
const token = sealSession(keys, subject, NOW);

/** @param told  of each status that is taken */
function endpointWith(gates: SessionGates, told: string[]) {
  const entry = { metadata: subject, beingDeleted: false, approval: "Approved" };
  const parts = {
    assertReady: () => undefined,
    keys: { sealing: () => keys, opening: async (id: Uint8Array) => (keys.id.equals(id) ? keys : undefined) },
    nowMs: () => NOW,
    inventories: { withEndorsementKey: () => [entry] },
    pace: { takeAsk: () => undefined, takeWord: () => undefined },
    rollouts: {
      ask: async () => ({ plan: undefined, waiting: { reason: "NoImage", message: "none" }, nextAskInSeconds: 60 }),
    },
    failures: { noted: (error: unknown) => error },
    decide: (decision: { readonly reason: string }) => void told.push(decision.reason),
    observe: () => undefined,
    random: randomBytes,
    gates,
  };
  return createProtocolEndpoint(parts as unknown as ProtocolParts);
}

async function asked(gates: SessionGates, step: "plan" | "attest", bearer = token) {
  const told: string[] = [];
  const { status, body } = await endpointWith(gates, told).answer({
    method: step === "plan" ? "GET" : "POST",
    target: `/v2-rancheros/${step}`,
    authorization: `Bearer ${bearer}`,
    contentType: "application/json",
    ifNoneMatch: undefined,
    body: Buffer.from("{}"),
    remoteAddress: "127.0.0.1",
  });
  const code = status === 200 ? "" : readProtocolRefusal(Buffer.from(body))?.code;
  expect(told).toEqual(status === 200 ? [] : [code]);
  expect(gates.inside()).toBe(gates.steps.inside + gates.sessions.inside);
  return { status, code };
}

it("steps to a session keep out nobody who has one", async () => {
  const gates = createSessionGates(1);
  gates.steps.enter();
  expect(await asked(gates, "plan")).toEqual({ status: 200, code: "" });
  expect(await asked(gates, "attest")).toEqual({ status: 429, code: "SESSION_TOO_MANY" });
  expect(gates.inside()).toBe(1);
});

it("machines with a session keep out none that wants one, and each other only", async () => {
  const gates = createSessionGates(1);
  gates.sessions.enter();
  expect(await asked(gates, "plan")).toEqual({ status: 429, code: "SESSION_TOO_MANY" });
  expect(await asked(gates, "attest")).toMatchObject({ status: 400 });
  gates.sessions.leave();
  expect(await asked(gates, "plan")).toMatchObject({ status: 200 });
  expect(gates.inside()).toBe(0);
});

it("a stranger takes no place of those who have a session", async () => {
  const gates = createSessionGates(0);
  const forged = `${token.slice(0, -43)}${"A".repeat(43)}`;
  expect(await asked(gates, "plan", forged)).toEqual({ status: 401, code: "SESSION_INVALID" });
});
