/** Machines that wait for a person, are denied, or are taken away, at two operators of one cluster. */
import { describe, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import { askMachine, refusalOf, report, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { eventually } from "../../operator/objects.ts";
import { REPORT, useTwoReplicas } from "./two-replicas.ts";

const controlPlane = inject("controlPlane");
const { used, newTpm, first, second, next, through, inventoryOf, untilSeen } = useTwoReplicas(controlPlane, "approval");
const { namespace } = used;

async function setApproval(name: string, approval: string): Promise<void> {
  const patch = JSON.stringify({ spec: { approval } });
  await kubectl(controlPlane, ["patch", "minv", name, `--namespace=${namespace}`, "--type=merge", "-p", patch]);
}

describe("approval by a person", () => {
  it("a new machine waits, is approved by one line, and gets its config then", async () => {
    const { token, url } = await used.makeDoor("manual", {
      attestation: { approval: "manual" },
    });
    const tpm = newTpm();
    const waiting = await visitAttested(through(tpm, token));
    expect(waiting).toMatchObject({ approval: "Pending", config: undefined });
    expect(waiting.nextAskInSeconds).toBeGreaterThanOrEqual(3);
    expect(waiting.nextAskInSeconds).toBeLessThanOrEqual(5);
    expect((await inventoryOf(tpm))?.spec["approval"]).toBe("Pending");
    expect((await askMachine(next, waiting.session.token)).approval).toBe("Pending");
    await setApproval(waiting.machine.name, "Approved");
    await eventually(
      async () => ((await askMachine(next, waiting.session.token)).approval === "Approved" ? true : undefined),
      "the session shows the approval",
    );
    const admitted = await visitAttested(through(tpm, token));
    expect(admitted.machine).toEqual(waiting.machine);
    expect(admitted.config).toBeDefined();

    const legacy = newTpm();
    const path = new URL(url).pathname;
    const made = await visit({ url: `${first()}${path}`, tpm: legacy });
    expect(made.payload).toBeUndefined();
    expect(made.close?.code).toBe(1013);
    expect(made.close?.reason).toContain("waits for approval: kubectl");
    const inventory = await inventoryOf(legacy);
    expect(inventory?.spec["approval"]).toBe("Pending");
    const asked = await eventually(async () => {
      const outcome = await visit({ url: `${first()}${path}`, tpm: legacy });
      return outcome.status === 401 ? outcome : undefined;
    }, "the sentence before the challenge");
    expect(asked.text).toContain(`minv ${inventory?.metadata.name ?? ""}`);
    await setApproval(inventory?.metadata.name ?? "", "Approved");
    await eventually(
      async () => ((await visit({ url: `${first()}${path}`, tpm: legacy })).payload === undefined ? undefined : true),
      "the legacy machine comes in",
    );
  });

  it("a denied machine gets nothing, and its session ends at once", async () => {
    const { token, url } = await used.makeDoor("denying");
    const tpm = newTpm();
    const { machine, session } = await visitAttested(through(tpm, token));
    await setApproval(machine.name, "Denied");
    for (const replica of [first, second]) {
      await eventually(
        async () => ((await refusalOf(askMachine(replica, session.token)).catch(() => "")) !== "" ? true : undefined),
        "the denial is seen",
      );
    }
    expect(await refusalOf(askMachine(next, session.token))).toBe("403 MACHINE_DENIED");
    expect(await refusalOf(report(next, session.token, REPORT))).toBe("403 MACHINE_DENIED");
    expect(await refusalOf(visitAttested(through(tpm, token)))).toBe("403 MACHINE_DENIED");
    expect(await refusalOf(visitAttested(through(tpm, token, { purpose: { kind: "session" } })))).toBe(
      "403 MACHINE_DENIED",
    );
    const legacy = await visit({ url: `${second()}${new URL(url).pathname}`, tpm });
    expect(legacy.status).toBe(401);
  });

  it("a deleted machine's session ends at once, and it may register anew", async () => {
    const { token } = await used.makeDoor("deleting");
    const tpm = newTpm();
    const { machine, session } = await visitAttested(through(tpm, token));
    await untilSeen();
    await kubectl(controlPlane, ["delete", "minv", machine.name, `--namespace=${namespace}`]);
    await untilSeen();
    expect(await refusalOf(askMachine(first, session.token))).toBe("401 SESSION_INVALID");
    expect(await refusalOf(askMachine(second, session.token))).toBe("401 SESSION_INVALID");
    const anew = await visitAttested(through(tpm, token));
    expect(anew.machine.uid).not.toBe(machine.uid);
    expect(await refusalOf(askMachine(next, session.token))).toBe("401 SESSION_INVALID");
  });
});
