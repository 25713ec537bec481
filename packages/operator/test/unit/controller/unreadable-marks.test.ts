import { describe, expect, it } from "vitest";
import { KubernetesError, type KubernetesRequest } from "../../../src/controller/index.ts";
import { createUnreadableMarks } from "../../../src/controller/io/unreadable-marks.ts";
import { VirtualTime } from "../rollout/virtual-time.ts";

const HOUR_MS = 3_600_000;

function scene(answer: () => Promise<unknown>) {
  const time = new VirtualTime();
  const sent: KubernetesRequest[] = [];
  const said: string[] = [];
  let [isLeader, begin] = [true, (): void => undefined];
  const log = { debug() {}, info() {}, error() {}, warn: (text: string) => void said.push(text) };
  const kubernetes = {
    send(request: KubernetesRequest) {
      sent.push(request);
      return answer();
    },
  };
  const marks = createUnreadableMarks({
    lead: { isLeader: () => isLeader, onLeading: (run: () => void) => (begin = run), kubernetes },
    log,
    nowMs: () => time.nowMs,
    group: "/apis/rancheros.cattle.io/v1",
    kind: "MachineRegistration",
    plural: "machineregistrations",
    maxCharacters: 500,
    condition: { type: "Ready", status: "False" },
    setTimer: (run, delayMs) => time.setTimer(run, delayMs),
  });
  const put = (generation: number, resourceVersion = "1"): void => {
    const metadata = { name: "door", namespace: "n", uid: "u", resourceVersion, generation };
    marks.put({ metadata, problems: ["/spec/disabled must be boolean"], conditions: undefined });
  };
  const lead = (): void => {
    isLeader = true;
    begin();
  };
  return { time, sent, said, put, marks, lead, follow: () => (isLeader = false) };
}

describe("an object that cannot be read", () => {
  it("is marked once for each of its generations, whoever writes over it, and again where it was readable between", async () => {
    const { time, sent, put, marks } = scene(() => Promise.resolve({}));
    for (const version of ["1", "2", "3"]) {
      put(1, version);
      await time.pass(60_000);
    }
    expect(sent).toHaveLength(1);
    put(2, "4");
    await time.pass(60_000);
    marks.delete("n/door");
    put(2, "5");
    await time.pass(60_000);
    expect(sent.map(({ body }) => body)).toMatchObject(
      [1, 2, 2].map((observedGeneration) => ({
        status: { conditions: [{ type: "Ready", status: "False", reason: "Unreadable", observedGeneration }] },
      })),
    );
  });

  it("is marked by the replica that leads", async () => {
    const { time, sent, put, lead, follow } = scene(() => Promise.resolve({}));
    follow();
    put(1);
    await time.pass(60_000);
    expect(sent).toEqual([]);
    lead();
    await time.pass(1_000);
    expect(sent).toHaveLength(1);
  });

  it("whose mark the API server refuses is left alone for minutes, and the log says so once an hour", async () => {
    const { time, sent, said, put } = scene(() => Promise.reject(new KubernetesError("KUBERNETES_REFUSED", "bad")));
    put(1);
    await time.pass(HOUR_MS / 2);
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.length).toBeLessThan(5);
    expect(said).toEqual(["an object cannot be read", "an object that cannot be read is not marked"]);
  });
});
