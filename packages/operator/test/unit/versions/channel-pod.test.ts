import { describe, expect, it } from "vitest";
import type { ChannelOptions } from "@rancheros/protocol/resources";
import { channelPod, podState } from "../../../src/versions/channel-pod.ts";
import { compileChannel } from "../../../src/versions/channel-source.ts";
import { channelOf } from "./channel-of.ts";

const IMAGE = "registry.example.com/lister:v1";

interface Pod {
  readonly spec: {
    readonly securityContext: object;
    readonly initContainers: readonly [Record<string, unknown>];
    readonly containers: readonly [Record<string, unknown>];
  };
}

function compiled(options: ChannelOptions) {
  return compileChannel(channelOf({ type: "custom", options: { image: IMAGE, ...options } }));
}

function podOf(options: ChannelOptions): Pod {
  const { source } = compiled(options);
  if (source?.kind !== "custom") throw new Error("it is no channel of type custom");
  return channelPod(channelOf(), source, "registry.example.com/operator:v1") as Pod;
}

describe("the pod of a custom channel", () => {
  it("shares /data and shows /data/output where nothing else is said", () => {
    const { initContainers, containers } = podOf({}).spec;
    expect(initContainers[0]["volumeMounts"]).toEqual([{ name: "data", mountPath: "/data" }]);
    expect(containers[0]).toMatchObject({
      args: ["display", "--file=/data/output"],
      volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
    });
  });

  it("shares and shows what channels of the original operator name with mountPath and outputFile", () => {
    const { initContainers, containers } = podOf({ mountPath: "/output", outputFile: "/output/a/versions.json" }).spec;
    expect(initContainers[0]["volumeMounts"]).toEqual([{ name: "data", mountPath: "/output" }]);
    expect(containers[0]).toMatchObject({
      args: ["display", "--file=/output/a/versions.json"],
      volumeMounts: [{ name: "data", mountPath: "/output" }],
    });
    expect(podOf({ mountPath: "/output/" }).spec.containers[0]["args"]).toEqual(["display", "--file=/output/output"]);
  });

  it("hands on variables as they are, with those that come from elsewhere", () => {
    const secretKeyRef = { name: "login", key: "token" };
    const env = [{ name: "A", value: "b" }, { name: "EMPTY" }, { name: "TOKEN", valueFrom: { secretKeyRef } }];
    expect(podOf({ env }).spec.initContainers[0]["env"]).toEqual(env);
    expect(podOf({ envs: env }).spec.initContainers[0]["env"]).toEqual(env);
  });

  it("lets the user that shows the list read what its group may read, and tell why it failed", () => {
    const { securityContext, initContainers, containers } = podOf({}).spec;
    expect(securityContext).toEqual({ fsGroup: 65_532 });
    expect(containers[0]["securityContext"]).toMatchObject({ runAsUser: 65_532, runAsNonRoot: true });
    expect(containers[0]["terminationMessagePolicy"]).toBe("FallbackToLogsOnError");
    // Its log may have the Secrets that it was given; the channel's status, Events and the operator's log may not.
    expect(initContainers[0]).not.toHaveProperty("terminationMessagePolicy");
  });

  it.each<[ChannelOptions, RegExp]>([
    [{ mountPath: "data" }, /mountPath: "data" is no absolute path/],
    [{ mountPath: "/" }, /mountPath: "\/" is no absolute path/],
    [{ mountPath: "/a:b" }, /mountPath: "\/a:b" is no absolute path/],
    [{ mountPath: "/a/../b" }, /mountPath: "\/a\/\.\.\/b" is no absolute path/],
    [{ outputFile: "/data" }, /outputFile: is not below "\/data"/],
    [{ outputFile: "/output/x" }, /outputFile: is not below "\/data"/],
    [{ outputFile: "/data/../etc/passwd" }, /outputFile: .* is no absolute path/],
    [{ mountPath: "/output", outputFile: "/data/output" }, /outputFile: is not below "\/output"/],
  ])("is not made with paths that cannot work: %j", (options, problem) => {
    const { problems, source } = compiled(options);
    expect(problems.join("; ")).toMatch(problem);
    expect(source).toBeUndefined();
  });

  it("is failed with the last words of the container that could not go on", () => {
    const terminated = {
      exitCode: 1,
      reason: "Error",
      message: "Error: EACCES: permission denied, open '/data/output'",
    };
    const status = { phase: "Failed", containerStatuses: [{ name: "display", state: { terminated } }] };
    expect(podState({ status })).toMatchObject({ kind: "failed", why: expect.stringContaining("EACCES") as string });
  });
});
