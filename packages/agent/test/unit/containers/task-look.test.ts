/** How containerd tells of a task, in protobuf's encoding. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { containerdApi } from "../../../src/containers/containerd/containerd-api.ts";
import { decodeFields, encodeField } from "../../../src/containers/containerd/protobuf-fields.ts";
import { ContainerError } from "../../../src/containers/errors.ts";
import type { ContainerdAnswer, ContainerdCall } from "../../../src/containers/io/containerd-calls.ts";

/** Answered by containerd 2.4.2 of a container called seven, while it ran and after it had ended with 7. */
const RUNNING = "0a191205736576656e1886342002520b088092b8c398feffffff01";
const STOPPED = "0a1c1205736576656e18863420034807520c0888f0a4d80610de80ebd801";

function look(answer: ContainerdAnswer) {
  const asked: ContainerdCall[] = [];
  const runtime = { kind: "containerd", origin: "set", program: ["ctr"], socket: "/s" } as const;
  const api = containerdApi({ ...runtime, namespace: "n", snapshotter: undefined }, async ({ calls }) => {
    asked.push(...calls);
    return { kind: "answered", answers: [answer] };
  });
  return { asked, task: api.task("seven") };
}

function of(hex: string): Promise<unknown> {
  return look({ kind: "ok", message: Buffer.from(hex, "hex") }).task;
}

describe("a look at a task", () => {
  it("asks for it by the container's name", async () => {
    const { asked, task } = look({ kind: "ok", message: Buffer.from(RUNNING, "hex") });
    await task;
    const message = Buffer.from("0a05736576656e", "hex");
    expect(asked).toEqual([{ path: "/containerd.services.tasks.v1.Tasks/Get", message }]);
  });

  it("tells whether it is at work, and with what it has ended", async () => {
    expect(await of(RUNNING)).toEqual({ kind: "at-work" });
    expect(await of(STOPPED)).toEqual({ kind: "ended", exitCode: 7 });
    // An exit code of 0, and a status of 0, are left out.
    expect(await of("0a022003")).toEqual({ kind: "ended", exitCode: 0 });
    expect(await of("0a052003488902")).toEqual({ kind: "ended", exitCode: 265 });
    expect(await of("0a022001")).toEqual({ kind: "created" });
    expect(await of("0a022004")).toEqual({ kind: "at-work" });
    expect(await of("0a00")).toEqual({ kind: "unknown" });
  });

  it.each<[string, number, unknown]>([
    ["is none", 5, { kind: "absent" }],
    ["does not answer in time, as while it is started", 4, { kind: "at-work" }],
    ["cannot be asked at this moment", 14, { kind: "at-work" }],
  ])("tells that there %s", async (_, status, expected) => {
    expect(await look({ kind: "refused", status, words: "" }).task).toEqual(expected);
  });

  it("is refused as containerd says, and never guessed at", async () => {
    const refused = look({ kind: "refused", status: 2, words: "no" });
    await expect(refused.task).rejects.toMatchObject({ code: "CONTAINER_RUNTIME_FAILED" });
    const nonsense = look({ kind: "nonsense", words: "it has no status" });
    await expect(nonsense.task).rejects.toMatchObject({ code: "CONTAINER_NONSENSE" });
    for (const hex of ["", "0a05736576", "0801", "0a04200348", "0b", "0a" + "ff".repeat(11), "0a0420034a00"]) {
      await expect(of(hex), hex).rejects.toMatchObject({ code: "CONTAINER_NONSENSE" });
    }
  });
});

describe("protobuf's fields", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.uint8Array({ maxLength: 300 }), (number, bytes) => {
        expect(decodeFields(encodeField(number, Buffer.from(bytes)))).toEqual(new Map([[number, Buffer.from(bytes)]]));
      }),
    );
  });

  it("are passed over where they are of a fixed length, and the last of a number counts", () => {
    expect(decodeFields(Buffer.from("09" + "01".repeat(8) + "15" + "01".repeat(4) + "18011802", "hex"))).toEqual(
      new Map([[3, 2]]),
    );
  });

  it("are nonsense, and nothing else, where the bytes are others", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeFields(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ContainerError);
          expect(error).toMatchObject({ code: "CONTAINER_NONSENSE" });
        }
      }),
    );
  });
});
