/** Writes that only the leader may do. */
import { describe, expect, it } from "vitest";
import { KubeConfig } from "@kubernetes/client-node";
import type { Kubernetes, KubernetesRequest } from "../../../src/controller/index.ts";
import { ledWrites } from "../../../src/leadership/led-writes.ts";

function setUp(leadsForMs: () => number) {
  const sent: KubernetesRequest[] = [];
  const answers: (() => void)[] = [];
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    send(request) {
      sent.push(request);
      return new Promise((resolve) => answers.push(() => resolve(undefined)));
    },
    open: () => Promise.reject(new Error("not asked for")),
  };
  return { sent, answers, led: ledWrites(kubernetes, { leadsForMs }) };
}

const WRITE = { method: "PATCH", path: "/api/v1/namespaces/a/secrets/b" } as const;

describe("a write of the leader", () => {
  it("is refused where this replica does not lead, and what it reads is not", async () => {
    const { sent, answers, led } = setUp(() => 0);
    await expect(led.kubernetes.send(WRITE)).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    const reading = led.kubernetes.send({ ...WRITE, method: "GET" });
    answers[0]?.();
    await reading;
    expect(sent.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("ends before another replica may lead", async () => {
    const { sent, led } = setUp(() => 3_000);
    void led.kubernetes.send(WRITE);
    void led.kubernetes.send({ ...WRITE, timeoutMs: 500 });
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([7_000, 500]);
  });

  it("is waited for when the operator stops, for a while", async () => {
    const { answers, led } = setUp(() => 10_000);
    expect(await led.settled(1_000)).toBe(true);
    void led.kubernetes.send(WRITE);
    expect(await led.settled(10)).toBe(false);
    const settled = led.settled(10_000);
    answers[0]?.();
    expect(await settled).toBe(true);
  });
});
