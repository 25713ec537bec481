import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  pullImage,
  ownImages,
  readImageFiles,
  removeImage,
  runContainer,
  type ContainerEnding,
  type ContainerRuntime,
  type ContainerSpec,
  type RunOptions,
} from "@rancheros/agent/containers";
import { NO_REGISTRIES } from "@rancheros/agent/images";
import { parseRegistries } from "../../../src/images/registries.ts";
import {
  buildOsImage,
  pushImage,
  REGISTRY_ACCOUNT,
  startRegistry,
  type TestRegistry,
} from "../../../../../test/registry/index.ts";
import { startDocker, startPodman, type TestEngine } from "../../../../../test/engines/index.ts";
import { watchArguments } from "./watch-arguments.ts";

const NAME = "ros-agent-engine";

const STARTS: Readonly<Record<string, (folder: string) => Promise<TestEngine>>> = {
  podman: startPodman,
  docker: startDocker,
};

describe.each(Object.keys(STARTS))("a real %s", (kind) => {
  let folder: string;
  let registry: TestRegistry;
  let engine: TestEngine;
  let runtime: ContainerRuntime;
  let image: string;
  /** By which the engine knows it. */
  let name: string;

  beforeAll(async () => {
    folder = mkdtempSync("/tmp/ros-eng-");
    registry = await startRegistry({ folder: path.join(folder, "r"), auth: "basic" });
    engine = await STARTS[kind]!(path.join(folder, "e"));
    ({ runtime } = engine);
    const built = buildOsImage({ release: "A\n", upgradeScript: "#!/bin/sh\necho upgraded\nexit 1\n" });
    image = `${registry.host}/os/engine@${await pushImage(registry, "os/engine", "v1", built)}`;
  });

  afterAll(async () => {
    await registry.stop();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(spec: Partial<ContainerSpec>, options: Partial<RunOptions> = {}): Promise<ContainerEnding> {
    return runContainer(
      runtime,
      { runFolder: path.join(folder, "run") },
      {
        spec: { name: NAME, run: "digest/1", image, ...spec },
        deadlineMs: 60_000,
        signal: new AbortController().signal,
        ...options,
      },
    );
  }

  function shell(script: string): Pick<ContainerSpec, "command" | "args"> {
    return { command: ["/bin/sh", "-c"], args: [script] };
  }

  it("gets the image by digest through the relay, with no account in its arguments, and keeps its name", async () => {
    const runFolder = path.join(folder, "run");
    const signal = new AbortController().signal;
    const watched = watchArguments();
    const credentials = [{ registry: registry.host, ...REGISTRY_ACCOUNT }];
    const pulled = await pullImage(
      runtime,
      { runFolder },
      { image, credentials, registries: NO_REGISTRIES, policies: [], signal },
    );
    const seen = watched.stop();
    expect(pulled).toMatchObject({ digest: image.split("@")[1], wasThere: false });
    ({ name } = pulled);
    expect(seen).toContain("pull --quiet");
    expect(seen).not.toContain(REGISTRY_ACCOUNT.password);
    expect(readdirSync(runFolder)).toEqual([]);
    expect(
      await pullImage(runtime, { runFolder }, { image, registries: NO_REGISTRIES, policies: [], signal }),
    ).toMatchObject({
      wasThere: true,
    });
  });

  it("reads files of the image without starting it", async () => {
    const call = {
      image,
      paths: ["/usr/lib/rancheros-release", "/usr/sbin/suc-upgrade", "/none", "/etc"],
      maxBytes: 4096,
    };
    const files = await readImageFiles(runtime, { runFolder: path.join(folder, "run") }, call);
    expect(files.get("/usr/lib/rancheros-release")).toEqual({
      kind: "file",
      content: Buffer.from("A\n"),
      executable: false,
    });
    expect(files.get("/usr/sbin/suc-upgrade")).toMatchObject({ kind: "file", executable: true });
    expect([files.get("/none"), files.get("/etc")]).toEqual([{ kind: "absent" }, { kind: "other" }]);
  });

  it("runs containers with host, environment and files, and tells their output and exit code", async () => {
    const host = path.join(folder, "host");
    mkdirSync(host);
    writeFileSync(path.join(host, "marker"), "of the host\n");
    const ending = await run({
      ...shell('cat /host/marker; echo "$SECRET"; cat /run/data/cloud-config; echo x > /host/written; exit 3'),
      hostRoot: host,
      env: { SECRET: "of the plan" },
      files: [{ destination: "/run/data/cloud-config", content: "#cloud-config\n" }],
    });
    expect(ending).toMatchObject({
      kind: "exited",
      exitCode: 3,
      lastLines: ["of the host", "of the plan", "#cloud-config"],
    });
    expect(readFileSync(path.join(host, "written"), "utf8")).toBe("x\n");
  });

  it("takes over what an earlier agent left running, and ends what is broken off", async () => {
    const leave = new AbortController();
    const spec = shell("echo first; sleep 1; echo second; exit 4");
    expect(await run(spec, { leave: leave.signal, onOutput: () => leave.abort() })).toEqual({ kind: "left-running" });
    expect(await run(spec)).toMatchObject({ exitCode: 4, takenOver: true, lastLines: ["first", "second"] });
    const abort = new AbortController();
    const stubborn = shell("trap '' TERM; echo ready; while true; do sleep 0.1; done");
    const broken = run(stubborn, { signal: abort.signal, graceMs: 300, onOutput: () => abort.abort() });
    await expect(broken).rejects.toMatchObject({ code: "CONTAINER_INTERRUPTED", details: { lastLine: "ready" } });
    expect(engine.command("ps", "--all", "--quiet")).toBe("");
  });

  it("makes the folder of a mount that the host does not have", async () => {
    const source = path.join(folder, "new/deep");
    const mounts = [{ source, destination: "/data" }];
    expect(await run({ ...shell("echo kept > /data/file"), mounts })).toMatchObject({ exitCode: 0 });
    expect(readFileSync(path.join(source, "file"), "utf8")).toBe("kept\n");
  });

  it("says that the command is missing", async () => {
    await expect(run({ command: ["/usr/sbin/none"] })).rejects.toMatchObject({ code: "CONTAINER_COMMAND_MISSING" });
  });

  it("takes away what it has brought, and nothing that others use or have brought", async () => {
    const containers = { runFolder: path.join(folder, "run") };
    const signal = new AbortController().signal;
    const { command } = engine;
    const call = { image, credentials: [{ registry: registry.host, ...REGISTRY_ACCOUNT }], registries: NO_REGISTRIES };
    expect(await ownImages(runtime, containers, signal)).toEqual([image]);
    command("create", "--name", "theirs", name, "/bin/true");
    expect(await removeImage(runtime, containers, { image, signal })).toBe("in-use");
    command("rm", "theirs");
    command("tag", name, "localhost/theirs:v1");
    expect(await removeImage(runtime, containers, { image, signal })).toBe("removed");
    expect(command("run", "--rm", "--network", "host", "localhost/theirs:v1", "/bin/echo", "runs")).toBe("runs");
    // docker does not know by which digest an image of theirs was loaded: it is pulled, of layers that are there, and goes.
    const knowsTheirs = kind === "podman";
    expect(await pullImage(runtime, containers, { ...call, policies: [], signal })).toMatchObject({
      wasThere: knowsTheirs,
    });
    expect(await removeImage(runtime, containers, { image, signal })).toBe(knowsTheirs ? "foreign" : "removed");
    expect(command("run", "--rm", "--network", "host", "localhost/theirs:v1", "/bin/echo", "runs")).toBe("runs");
    command("rmi", "--force", ...new Set(command("image", "ls", "--quiet").split("\n")));
    await pullImage(runtime, containers, { ...call, policies: [], signal });
    expect(await removeImage(runtime, containers, { image, signal })).toBe("removed");
    expect(command("image", "ls", "--all", "--quiet")).toBe("");
    expect(await removeImage(runtime, containers, { image, signal })).toBe("absent");
  });

  it("takes away an image of Docker Hub, of which docker leaves out the host", async () => {
    const containers = { runFolder: path.join(folder, "run") };
    const signal = new AbortController().signal;
    const { username, password } = REGISTRY_ACCOUNT;
    const registries = parseRegistries(
      `mirrors: {docker.io: {endpoint: ["http://${registry.host}"]}}\n` +
        `configs: {"${registry.host}": {auth: {username: ${username}, password: ${password}}}}\n`,
    );
    for (const repository of ["os/engine", "library/engine"]) {
      const built = buildOsImage({ release: "hub\n", upgradeScript: undefined });
      const hub = `docker.io/${repository}@${await pushImage(registry, repository, "v1", built)}`;
      await pullImage(runtime, containers, { image: hub, registries, policies: [], signal });
      expect(await ownImages(runtime, containers, signal)).toEqual([hub]);
      expect(await removeImage(runtime, containers, { image: hub, signal })).toBe("removed");
      expect(engine.command("image", "ls", "--all", "--quiet")).toBe("");
    }
  });

  it("says that the image is missing where somebody has cleared it away", async () => {
    await expect(run(shell("exit 0"))).rejects.toMatchObject({ code: "CONTAINER_IMAGE_MISSING", details: { image } });
    const call = { image, paths: ["/usr/lib/rancheros-release"], maxBytes: 4096 };
    await expect(readImageFiles(runtime, { runFolder: path.join(folder, "run") }, call)).rejects.toMatchObject({
      code: "CONTAINER_IMAGE_MISSING",
    });
    expect(engine.command("ps", "--all", "--quiet")).toBe("");
  });
});
