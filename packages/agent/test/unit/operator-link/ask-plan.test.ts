/** What a machine makes of the operator's answers about its plan. */
import { describe, expect, it } from "vitest";
import { PROTOCOL_VERSION, sealForSession, writeSealedAnswer } from "@rancheros/protocol/attestation";
import { writePlanAnswer, type PlanAnswer } from "@rancheros/protocol/upgrade";
import type { MachineSession, SessionKeeper, SessionRequest } from "@rancheros/agent/registration";

import { askPlan, tellStatus } from "../../../src/operator-link/index.ts";
import { planOf } from "../upgrade/machine-world.ts";
import { ADMISSION, KEY, MACHINE } from "./admitted-machine.ts";

const ANSWER: PlanAnswer = {
  protocol: PROTOCOL_VERSION,
  machine: MACHINE,
  plan: planOf({ cloudConfig: "hostname: m1" }),
  waiting: undefined,
  nextAskInSeconds: 30,
};

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function sealed(answer: PlanAnswer, key = KEY, what = "plan"): Reply {
  const body = sealForSession(writePlanAnswer(answer), what, key, Buffer.alloc(12, 1));
  return {
    status: 200,
    headers: { etag: '"one"' },
    body: writeSealedAnswer({ protocol: PROTOCOL_VERSION, sealed: body }),
  };
}

/** A session in which each request gets the reply. */
function keeperOf(reply: Reply): { readonly keeper: SessionKeeper; readonly requests: readonly SessionRequest[] } {
  const requests: SessionRequest[] = [];
  const session: MachineSession = {
    admission: ADMISSION,
    send: (request) => {
      requests.push(request);
      return Promise.resolve(reply);
    },
    ask: async (request, read) => read((await session.send(request)).body),
  };
  const keeper: SessionKeeper = {
    with: (work) => work(session),
    renew: () => Promise.reject(new Error("nobody asked for that")),
  };
  return { keeper, requests };
}

describe("the plan", () => {
  it("is opened with the session's key, and asked for by its tag from then on", async () => {
    const first = keeperOf(sealed(ANSWER));
    const asked = await askPlan(first.keeper, undefined);
    expect(asked.tagged.answer).toEqual(JSON.parse(JSON.stringify(ANSWER)));
    expect(asked.nextAskInSeconds).toBe(30);
    expect(first.requests).toMatchObject([{ method: "GET", endpoint: "plan", headers: {} }]);
    const again = keeperOf({ status: 304, headers: { "retry-after": "7" }, body: Buffer.alloc(0) });
    await expect(askPlan(again.keeper, asked.tagged)).resolves.toEqual({ tagged: asked.tagged, nextAskInSeconds: 7 });
    expect(again.requests).toMatchObject([{ headers: { "if-none-match": '"one"' } }]);
  });

  it.each(["", "soon", "-1"])("is asked for at the last pace where an unchanged answer says %j", async (retryAfter) => {
    const { tagged } = await askPlan(keeperOf(sealed(ANSWER)).keeper, undefined);
    const { keeper } = keeperOf({ status: 304, headers: { "retry-after": retryAfter }, body: Buffer.alloc(0) });
    expect((await askPlan(keeper, tagged)).nextAskInSeconds).toBe(30);
  });

  it.each([
    ["sealed with another key", sealed(ANSWER, Buffer.alloc(32, 8)), "SEAL_BROKEN"],
    ["sealed for something else", sealed(ANSWER, KEY, "status"), "SEAL_BROKEN"],
    ["of another machine", sealed({ ...ANSWER, machine: { ...MACHINE, uid: "u2" } }), "PROTOCOL_FIELDS"],
    ["not sealed at all", { status: 200, headers: {}, body: writePlanAnswer(ANSWER) }, "PROTOCOL_FIELDS"],
    ["of no sense", { status: 200, headers: {}, body: Buffer.from("<html>") }, "PROTOCOL_FIELDS"],
  ])("is refused where it is %s", async (_what, reply, code) => {
    await expect(askPlan(keeperOf(reply).keeper, undefined)).rejects.toMatchObject({
      code: "UPGRADE_PLAN_UNREADABLE",
      cause: { code },
      plan: undefined,
    });
  });

  it("says which one it is where only another part of it cannot be read", async () => {
    const { id, image, attempt, osImage, reference } = planOf();
    const broken = sealed({ ...ANSWER, plan: planOf({ timeoutSeconds: 0 }) });
    await expect(askPlan(keeperOf(broken).keeper, undefined)).rejects.toMatchObject({
      code: "UPGRADE_PLAN_UNREADABLE",
      message: "the plan has bad fields: plan.timeoutSeconds: is no whole number from 1 to 2678400",
      plan: { id, image, attempt, osImage, reference },
    });
  });
});

describe("the status", () => {
  it("is put, and its answer read", async () => {
    const body = Buffer.from(JSON.stringify({ protocol: 2, holdsSlot: false, nextStatusInSeconds: 60 }));
    const { keeper, requests } = keeperOf({ status: 200, headers: {}, body });
    const status = {
      protocol: 2,
      plan: undefined,
      image: undefined,
      attempt: 0,
      phase: "Idle",
      digest: undefined,
    } as const;
    const told = { ...status, reason: undefined, message: undefined, bootId: "b" };
    await expect(tellStatus(keeper, told)).resolves.toEqual({ protocol: 2, holdsSlot: false, nextStatusInSeconds: 60 });
    expect(requests).toMatchObject([{ method: "PUT", endpoint: "status" }]);
    expect(JSON.parse(String(requests[0]?.body))).toEqual({ protocol: 2, attempt: 0, phase: "Idle", bootId: "b" });
  });
});
