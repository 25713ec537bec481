/** An operator that does not want the machine any more, in virtual time: its slot is lost, though no answer says so. */
import { expect, it } from "vitest";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";

import { runStatusLoop } from "../../../src/operator-link/index.ts";
import { RegistrationError } from "../../../src/registration/index.ts";
import { createVirtualTime } from "../upgrade/virtual-time.ts";

const UNDER_WAY: UpgradeStatus = {
  protocol: 2,
  plan: "a".repeat(64),
  image: "default-os-image",
  attempt: 3,
  phase: "Draining",
  digest: undefined,
  reason: undefined,
  message: undefined,
  bootId: "b",
};

type Answer = "held" | "MACHINE_UNKNOWN" | "MACHINE_DENIED" | "MACHINE_ELSEWHERE" | "away";

function refusal(code: Exclude<Answer, "held">): RegistrationError {
  if (code === "away") return new RegistrationError("REGISTRATION_UNREACHABLE", "the server is away");
  const name = code === "MACHINE_DENIED" ? "REGISTRATION_DENIED" : "REGISTRATION_REFUSED";
  return new RegistrationError(name, `the server refuses (${code})`, { details: { status: 403, serverCode: code } });
}

/** @param answer  by the seconds since the beginning */
async function lostAfter(answer: (seconds: number) => Answer, status: UpgradeStatus = UNDER_WAY) {
  const time = createVirtualTime();
  const begunMs = time.uptimeMs;
  const over = new AbortController();
  const seconds = (): number => (time.uptimeMs - begunMs) / 1000;
  const lost: { readonly plan: string; readonly attempt: number; readonly why: string; readonly at: number }[] = [];
  const running = runStatusLoop(
    { nowMs: () => time.uptimeMs, random: () => 0.5, sleep: (delayMs, signal) => time.sleep(delayMs, signal) },
    {
      status: () => status,
      tell: () => {
        const said = answer(seconds());
        if (said !== "held") return Promise.reject(refusal(said));
        return Promise.resolve({ protocol: 2, holdsSlot: true, nextStatusInSeconds: 60 });
      },
      changed: (until) => time.sleep(1_000, until),
      doubts: () => 0,
      onSlotLost: (plan, attempt, why) => lost.push({ plan, attempt, why: why ?? "", at: seconds() }),
      events: { onReached: () => undefined, onTrouble: () => undefined },
    },
    over.signal,
  );
  void time.sleep(300_000, new AbortController().signal).then(() => over.abort());
  await time.until(running);
  return lost[0];
}

it.each(["MACHINE_UNKNOWN", "MACHINE_DENIED"] as const)(
  "%s for half a minute and more counts as a slot that is lost, within a minute, and says why",
  async (code) => {
    const lost = await lostAfter(() => code);
    expect(lost).toMatchObject({ plan: UNDER_WAY.plan, attempt: 3 });
    expect(lost?.why).toContain(code);
    expect(lost?.at).toBeGreaterThanOrEqual(30);
    expect(lost?.at).toBeLessThan(60);
  },
);

it.each<[what: string, answer: (seconds: number) => Answer]>([
  [
    "an operator that does not know the machine for a moment after its start",
    (at) => (at < 25 ? "MACHINE_UNKNOWN" : "held"),
  ],
  ["two of which one is behind", (at) => (at % 2 < 1 ? "MACHINE_UNKNOWN" : "held")],
  ["one that cannot be reached", () => "away"],
  ["one that is away between two refusals", (at) => (at < 5 || at > 290 ? "MACHINE_UNKNOWN" : "away")],
  ["another refusal, about which a person decides", () => "MACHINE_ELSEWHERE"],
])("%s takes no slot", async (_what, answer) => {
  expect(await lostAfter(answer)).toBeUndefined();
});

it("has nothing to take from a machine that is at rest, or upgraded by hand", async () => {
  expect(await lostAfter(() => "MACHINE_UNKNOWN", { ...UNDER_WAY, phase: "Succeeded" })).toBeUndefined();
  const byHand = { ...UNDER_WAY, plan: undefined, image: undefined, attempt: 0 };
  expect(await lostAfter(() => "MACHINE_UNKNOWN", byHand)).toBeUndefined();
});
