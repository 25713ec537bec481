/** A container runtime that systemd would start with the first connection is not connected to. */
import { expect, it } from "vitest";

import { createCheckup } from "../../../src/doctor/checkup.ts";
import { addClusterChecks, type ClusterOutside } from "../../../src/doctor/cluster-checks.ts";
import { parseUnits } from "../../../src/doctor/judge-services.ts";

/** @returns the outcome, and how often the runtime was connected to */
async function check(kind: "docker" | "podman", socket: string | undefined, states: Readonly<Record<string, string>>) {
  let asked = 0;
  const refuse = (): never => {
    throw new Error("nobody asks that");
  };
  const outside: ClusterOutside = {
    findRuntime: () =>
      Promise.resolve({
        kind: "found",
        looks: [],
        runtime: {
          kind,
          origin: "system",
          program: [`/usr/bin/${kind}`],
          socket,
          namespace: undefined,
          snapshotter: undefined,
        },
      }),
    askRuntime: async () => void asked++,
    readUnits: (names) =>
      Promise.resolve(
        parseUnits(
          names.map((name) => `Id=${name}\nLoadState=loaded\nActiveState=${states[name] ?? "inactive"}\n`).join("\n"),
          0,
        ),
      ),
    connectKubernetes: refuse,
    ownNodeName: refuse,
  };
  const { signal } = new AbortController();
  const checkup = createCheckup({ limitMs: 5_000, signal, nowMs: () => 0 });
  addClusterChecks(checkup, outside, { onConnect: () => undefined });
  const { findings } = await checkup.run(["container-runtime"]);
  return [findings[0]?.outcome, asked];
}

it("docker that sleeps behind systemd's socket is left asleep", async () => {
  const socket = "/run/docker.sock";
  expect(await check("docker", socket, { "docker.socket": "active" })).toEqual(["skipped", 0]);
});

it.each([
  ["docker", "/run/docker.sock", { "docker.socket": "active", "docker.service": "active" }],
  ["docker", "/run/docker.sock", { "docker.socket": "active", "docker.service": "failed" }],
  // Without a socket of systemd's nothing is started by a connection.
  ["docker", "/run/docker.sock", {}],
  ["docker", "/srv/other.sock", { "docker.socket": "active" }],
  ["podman", undefined, { "docker.socket": "active" }],
] as const)("%s at %s with %j is asked", async (kind, socket, states) => {
  expect(await check(kind, socket, states)).toEqual(["ok", 1]);
});
