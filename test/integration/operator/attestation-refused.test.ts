/** Challenges that were used, races, and steps back to the older protocol, at two operators of one cluster. */
import { writeNonceRequest } from "@rancheros/protocol/attestation";
import { describe, expect, inject, it } from "vitest";
import { kubectl } from "../../control-plane/kubectl.ts";
import { answer, askNonce, attest, refusalOf, send, solve, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, getObject } from "../../operator/objects.ts";
import { type SoftwareTpm } from "../../software-tpm/index.ts";
import { REPORT, useTwoReplicas } from "./two-replicas.ts";

const controlPlane = inject("controlPlane");
const { used, newTpm, first, second, next, through, inventoryOf, untilSeen } = useTwoReplicas(controlPlane, "refused", {
  flags: ["--log-level=debug"],
});
const { namespace } = used;

describe("what is refused, and what is not", () => {
  it("an answer that was used: on the same replica, on the other one, and for a machine that is known", async () => {
    const { token } = await used.makeDoor("replayed");
    for (const round of ["new", "known"]) {
      const machine = through(newTpm(), token);
      if (round === "known") await visitAttested(machine);
      const solved = solve(machine, await attest(machine, await askNonce(next)));
      const older = solve(machine, await attest(machine, await askNonce(next)));
      await answer(first, solved);
      expect(await refusalOf(answer(first, solved))).toBe("403 CHALLENGE_USED");
      expect(await refusalOf(answer(second, solved))).toBe("403 CHALLENGE_USED");
      await answer(second, older);
      expect(await refusalOf(answer(first, older))).toBe("403 CHALLENGE_USED");
      await inventoryOf(machine.tpm);
    }
  });

  it("an answer of before the machine was deleted, at the replica that has not seen it", async () => {
    const { token } = await used.makeDoor("forgotten");
    const machine = through(newTpm(), token);
    const solved = solve(machine, await attest(machine, await askNonce(next)));
    const { machine: made } = await answer(first, solved);
    await untilSeen();
    await kubectl(controlPlane, ["delete", "minv", made.name, `--namespace=${namespace}`]);
    await untilSeen();
    expect(await refusalOf(answer(second, solved))).toBe("403 CHALLENGE_USED");
    expect(await inventoryOf(machine.tpm)).toBeUndefined();
    expect((await visitAttested(machine)).machine.uid).not.toBe(made.uid);
  });

  it("one answer that arrives at both replicas at once makes one machine and is taken once", async () => {
    const { token } = await used.makeDoor("raced");
    const machine = through(newTpm(), token);
    const solved = solve(machine, await attest(machine, await askNonce(next)));
    const outcomes = await Promise.allSettled([answer(first, solved), answer(second, solved)]);
    expect(outcomes.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    expect(await inventoryOf(machine.tpm)).toBeDefined();
  });

  it("wrong answers do not use a challenge up: the right one is taken after them", async () => {
    const { token } = await used.makeDoor("strict");
    const machine = through(newTpm(), token, { report: REPORT });
    const solved = solve(machine, await attest(machine, await askNonce(next)));
    expect(await refusalOf(answer(next, { ...solved, proof: Buffer.alloc(32) }))).toBe("403 PROOF_WRONG");
    const changed = Buffer.from(solved.report.toString().replace("192.0.2.7", "192.0.2.8"));
    expect(await refusalOf(answer(next, { ...solved, report: changed }))).toBe("403 PROOF_WRONG");
    expect(await inventoryOf(machine.tpm)).toBeUndefined();
    expect((await answer(next, solved)).approval).toBe("Approved");
  });

  it("a cloud config that no machine takes, in a sentence, and none that is as large as it may be", async () => {
    const cloudConfig = (characters: number) => ({ write_files: [{ path: "/x", content: "x".repeat(characters) }] });
    for (const [name, characters, outcome] of [
      ["larger", 100_000, "503 CONFIG_TOO_LARGE"],
      ["large", 64 * 1024, "Approved"],
    ] as const) {
      const { token } = await used.makeDoor(name, { cloudConfig: cloudConfig(characters) });
      const machine = through(newTpm(), token);
      const solved = solve(machine, await attest(machine, await askNonce(next)));
      const answered = answer(first, solved);
      expect(name === "large" ? (await answered).approval : await refusalOf(answered)).toBe(outcome);
    }
    const refused = await eventually(async () => {
      const { status } = (await getObject(controlPlane, "mreg", namespace, "larger")) ?? {};
      return status?.["lastRefusal"];
    }, "the registration tells of it");
    expect(refused).toMatchObject({ reason: "CONFIG_TOO_LARGE" });
  });

  it("no version that is newer: both go on with the operator's", async () => {
    expect((await send(first(), "nonce", writeNonceRequest({ protocol: 9 }))).status).toBe(200);
  });

  it("the legacy protocol where the registration says so, and for a machine that has used ours", async () => {
    const refusing = await used.makeDoor("no-legacy", {
      attestation: { legacyProtocol: "refuse" },
    });
    const open = await used.makeDoor("legacy");
    const legacy = (tpm: SoftwareTpm, url: string) => visit({ url: `${first()}${new URL(url).pathname}`, tpm });
    const tpm = newTpm();
    const refused = await legacy(tpm, refusing.url);
    expect(refused.status).toBe(401);
    expect(refused.text).toContain("use ros-agent");
    expect(await inventoryOf(tpm)).toBeUndefined();
    expect((await legacy(tpm, open.url)).close?.code).toBe(1000);
    expect((await inventoryOf(tpm))?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("1");
    await visitAttested(through(tpm, open.token));
    expect((await inventoryOf(tpm))?.metadata.annotations?.["rancheros.cattle.io/protocol"]).toBe("2");
    const later = await eventually(async () => {
      const outcome = await legacy(tpm, open.url);
      return outcome.status === 401 ? outcome : undefined;
    }, "the downgrade is refused");
    expect(later.text).toContain("has used the attestation protocol before");
  });

  it("nothing secret is logged", () => {
    const logs = used.replicas.map((one) => one.log()).join("");
    expect(logs).toContain("CHALLENGE_USED");
    expect(logs).not.toContain("192.0.2.7");
    expect(logs).not.toMatch(/eyJ2Ijox/);
  });
});
