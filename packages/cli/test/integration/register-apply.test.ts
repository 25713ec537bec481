/** `ros-agent register` as systemd runs it: once, for ever, and with what follows from the answer. */
import { mkdir, mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { HONEST_PAGES } from "./registration-server.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

const SECRET = "canary-of-the-answer";
const ANSWER = {
  hostname: "node-1",
  write_files: [{ path: "/etc/motd", content: SECRET, permissions: "0600" }],
  rancherd: { server: "https://rancher.example.test", token: "tpm://", labels: ["a=b"] },
};

let place: Workplace;
let root: string;
beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: true });
});
afterAll(() => place.close());
beforeEach(async () => {
  root = await mkdtemp(join(place.folder, "root-"));
  await mkdir(join(root, "etc"));
});

/** An honest server with another configuration. */
function answer(config: unknown): void {
  place.server.play({
    pages: HONEST_PAGES,
    visit: async (visit) => {
      await visit.challenge();
      await visit.next();
      visit.socket.send(JSON.stringify(config), { binary: true });
      visit.socket.close(1000);
    },
  });
}

describe("register --apply", () => {
  it("makes the machine what the answer says, and gives rancherd its part beside what is there", async () => {
    await mkdir(join(root, "etc/rancher/rancherd"), { recursive: true });
    await writeFile(join(root, "etc/rancher/rancherd/config.yaml"), "# mine\nlabels: [c=d]\n");
    answer(ANSWER);
    const output = await place.output();
    const { code, stderr } = await rosAgent([
      "register",
      place.url,
      ...place.usual,
      "--apply",
      "--root",
      root,
      "-o",
      output,
    ]);
    expect(code, stderr).toBe(0);
    expect(await readFile(join(root, "etc/hostname"), "utf8")).toBe("node-1\n");
    expect(await readFile(join(root, "etc/motd"), "utf8")).toBe(SECRET);
    const rancherd = join(root, "etc/rancher/rancherd/config.yaml");
    expect((await stat(rancherd)).mode & 0o777).toBe(0o600);
    const shown = await rosAgent(["config", "show", "--root", root, "--json"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      config: { ...ANSWER.rancherd, labels: ["c=d", "a=b"] },
      asksRemote: true,
    });
    expect(await readFile(rancherd, "utf8")).toContain("# mine");
    expect(stderr).not.toContain(SECRET);
  });

  it("applies nothing of an answer that is wrong, and names the place in it", async () => {
    answer({ ...ANSWER, users: [{ name: "a", passwd: SECRET }] });
    const outcome = await rosAgent(["register", place.url, ...place.usual, "--apply", "--root", root, "--json"]);
    expect(outcome.code).toBe(2);
    expect(errorOf(outcome)).toMatchObject({
      code: "CLOUD_CONFIG_INVALID",
      details: { line: expect.any(Number) as number },
    });
    expect(outcome.stdout + outcome.stderr).not.toContain(SECRET);
    await expect(stat(join(root, "etc/hostname"))).rejects.toThrow("ENOENT");
  });

  it("applies the rest of an answer of which a part fails, and ends with 8", async () => {
    answer({ ...ANSWER, timezone: "Nowhere/Land" });
    const outcome = await rosAgent(["register", place.url, ...place.usual, "--apply", "--root", root, "--json"]);
    expect(outcome.code).toBe(8);
    expect(errorOf(outcome)).toMatchObject({ code: "CLOUD_CONFIG_UNAPPLIED" });
    expect(await readFile(join(root, "etc/motd"), "utf8")).toBe(SECRET);
  });
});

describe("config show --remote", () => {
  it("adds what the machine's inventory says, as rancherd would", async () => {
    await mkdir(join(root, "oem"));
    const server = new URL(place.url).origin;
    await writeFile(join(root, "oem/userdata"), `{server: "${server}/path", token: "tpm://", labels: [a=b]}\n`);
    answer({ role: "agent", nodeName: "n1", labels: ["c=d"], token: SECRET });
    const asked = ["config", "show", "--remote", "--root", root, "--json"];
    const known = ["--ca-cert", place.caFile, "--tcti", place.tpm.tcti];
    const { code, stdout, stderr } = await rosAgent([...asked, ...known]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      config: { role: "agent", nodeName: "n1", labels: ["a=b", "c=d"], token: "(hidden)" },
      asksRemote: false,
      values: expect.arrayContaining([
        { path: "labels[1]", value: "c=d", origin: `${server}/v1-rancheros/inventory` },
      ]) as unknown,
    });
    expect(stdout + stderr).not.toContain(SECRET);
    expect(place.server.dials.at(-1)?.url).toBe("/v1-rancheros/inventory");
  });
});

describe("register --if-needed", () => {
  it("asks nobody where the answer is there, and asks again where it cannot be used", async () => {
    answer(ANSWER);
    const output = await place.output();
    const flags = ["register", place.url, ...place.usual, "--if-needed", "-o", output, "--json"];
    await writeFile(output, "#cloud-config\nusers: [{name: -x}]\n");
    const before = place.server.dials.length;
    expect((await rosAgent(flags)).code).toBe(0);
    expect(place.server.dials.length).toBe(before + 1);
    const again = await rosAgent(flags);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toEqual({ registered: { path: output } });
    expect(place.server.dials.length).toBe(before + 1);
  });
});

describe("register --wait forever", () => {
  it("goes on without a TPM, as its device may come later", async () => {
    const running = startRosAgent([
      "register",
      place.url,
      "--ca-cert",
      place.caFile,
      "--tcti",
      "device:/dev/no-such-tpm",
      "--wait",
      "forever",
    ]);
    await new Promise<void>((resolve) => {
      let said = "";
      running.child.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (/TPM_DEVICE_MISSING\); trying again in/.test(said)) resolve();
      });
    });
    running.child.kill("SIGTERM");
    expect((await running.outcome).code).toBe(130);
  });

  it("goes on without a server, says so each time, and ends when it is told to", async () => {
    const output = await place.output();
    const running = startRosAgent([
      "register",
      "https://localhost:9/v1-rancheros/registration/t",
      ...place.machine,
      "--wait",
      "forever",
      "-o",
      output,
    ]);
    let said = "";
    const twice = new Promise<void>((resolve) => {
      running.child.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if ((said.match(/REGISTRATION_UNREACHABLE\); trying again in/g) ?? []).length === 2) resolve();
      });
    });
    await twice;
    running.child.kill("SIGTERM");
    expect((await running.outcome).code).toBe(130);
    await expect(readFile(output)).rejects.toThrow("ENOENT");
  });
});
