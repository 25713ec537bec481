/** Who answers challenges wrongly is made to wait, and nobody who comes through the same address. */
import { beforeAll, expect, inject, it } from "vitest";
import { channelAt, refusalOf, visitAttested, type AttestedVisit } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey, type SoftwareTpm } from "../../software-tpm/index.ts";

const LIMIT = 3;
const used = useOperator(inject("controlPlane"), "wrong-answers", { flags: [`--failed-challenge-rate=${LIMIT}`] });
const ak = generateAttestationKey("rsa");
let token: string;
let channel: Buffer;

/** Names an endorsement key that it does not hold. */
function impostor(): SoftwareTpm {
  return { ...createSoftwareTpm({ ak }), activateCredential: () => Buffer.alloc(32, 1) };
}

const through = (tpm: SoftwareTpm): AttestedVisit => ({
  next: () => used.operator.httpUrl,
  tpm,
  channel,
  purpose: { kind: "registration", token },
});

beforeAll(async () => {
  ({ token } = await used.makeDoor("door"));
  channel = await channelAt(used.operator.httpsUrl);
});

it("is told to wait after some wrong answers, in both protocols; honest machines come in", async () => {
  const answers: string[] = [];
  for (let time = 0; time < LIMIT + 2; time += 1) answers.push(await refusalOf(visitAttested(through(impostor()))));
  expect(answers).toEqual([
    ...Array<string>(LIMIT).fill("403 PROOF_WRONG"),
    ...Array<string>(2).fill("429 CHALLENGE_RATE"),
  ]);
  const legacy = await visit({ url: used.legacyUrl(token), tpm: impostor() });
  expect(legacy.close).toMatchObject({
    code: 1013,
    reason: expect.stringContaining("too many wrong answers") as string,
  });
  expect((await visitAttested(through(createSoftwareTpm({ ak })))).approval).toBe("Approved");
  expect((await visit({ url: used.legacyUrl(token), tpm: createSoftwareTpm({ ak }) })).close?.code).toBe(1000);
  const page = await (await fetch(`${used.operator.healthUrl}/metrics`)).text();
  expect(page).toMatch(
    /rancheros_decisions_total\{decision="refused",reason="CHALLENGE_RATE",protocol="attestation"\} 2/,
  );
  const count = /rancheros_visit_duration_seconds_count\{decision="admitted",protocol="attestation"\} (\d+)/.exec(page);
  expect(count?.[1]).toBe("1");
  expect(page).toMatch(/rancheros_visit_duration_seconds_count\{decision="refused",protocol="attestation"\} 5/);
});
