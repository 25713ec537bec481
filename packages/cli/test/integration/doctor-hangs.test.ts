/** `ros-agent doctor` where nobody answers: pipes without a writer, servers and sockets that say nothing. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";
import { listen } from "./listen.ts";
import { PATH, portOf } from "./registration-server.ts";
import { rosAgent } from "./ros-agent.ts";

let ground: DoctorGround;
let tpm: Swtpm;
let machine: readonly string[];
const opened: Server[] = [];

beforeAll(async () => {
  ground = await openDoctorGround();
  tpm = await startSwtpm({ stateFolder: join(ground.root, "tpm"), withEkCertificate: true });
  machine = [...ground.flags, "--tcti", tpm.tcti];
});

afterAll(async () => {
  await tpm.stop();
  await ground.remove();
});

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** Takes connections and says nothing. */
async function blackHole(): Promise<number> {
  const hole = await listen(createServer((socket) => socket.on("error", () => undefined)));
  hole.unref();
  opened.push(hole);
  return portOf(hole);
}

describe("doctor where everything hangs", () => {
  it("waits for no pipe that lies where a configuration should", async () => {
    const strange = await openDoctorGround();
    try {
      const pipes = ["etc/default/ros-agent", "oem/99_custom.yaml"].map((path) => join(strange.root, path));
      for (const pipe of pipes) {
        await mkdir(dirname(pipe), { recursive: true });
        execFileSync("mkfifo", [pipe]);
      }
      // Whoever waits for a writer gets one in the end.
      const late = setTimeout(() => pipes.forEach((pipe) => closeSync(openSync(pipe, "r+"))), 20_000);
      let leastMs = Number.POSITIVE_INFINITY;
      // Who waits for a pipe does so each time; others on the machine do not.
      for (let look = 0; look < 3 && leastMs >= 2_900; look += 1) {
        const startMs = performance.now();
        const { short } = await doctor([...strange.flags, ...only("operator-url")]);
        leastMs = Math.min(leastMs, performance.now() - startMs);
        expect(short).toMatchObject({ "operator-url": expect.stringMatching(/^(fail|skipped)/) as string });
      }
      clearTimeout(late);
      expect(leastMs).toBeLessThan(2_900);
    } finally {
      await strange.remove();
    }
  });

  it("ends when all is said, also where a file is never answered", async () => {
    const pipe = join(ground.root, "never-written");
    execFileSync("mkfifo", [pipe]);
    const startMs = performance.now();
    const { code, stdout } = await rosAgent([
      "doctor",
      "--config",
      pipe,
      ...machine,
      ...only("smbios", "operator-url"),
    ]);
    expect(stdout).toMatch(/^SMBIOS +ok/m);
    expect(stdout).toMatch(/^operator's address +skipped +because its cloud-config did not come in time$/m);
    expect(code).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it("waits for no pipe that lies where the makers' certificates should", async () => {
    const pipe = join(ground.root, "never-written.pem");
    execFileSync("mkfifo", [pipe]);
    const startMs = performance.now();
    const { code, stderr } = await rosAgent(["doctor", "--ek-ca", pipe, ...machine, ...only("smbios")]);
    expect(stderr).toContain("CLI_FILE_UNREADABLE");
    expect(stderr).toContain("not come in time");
    expect(code).toBe(8);
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it("ends in 20 s with a finding for each black hole", async () => {
    const port = await blackHole();
    const tpmHole = await listen(createServer((socket) => socket.on("error", () => undefined)));
    opened.push(tpmHole);
    const kubeconfig = await ground.write(
      "hole.kubeconfig",
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
        users: [{ name: "u", user: { token: "t" } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      }),
    );
    const socket = join(ground.root, "run/docker.sock");
    const engine = createServer((connection) => connection.on("error", () => undefined));
    engine.listen(socket);
    opened.push(engine);
    await writeFile(join(ground.root, "run/rancheros/held"), "");
    const startMs = performance.now();
    const tcti = `swtpm:host=127.0.0.1,port=${portOf(tpmHole)}`;
    const operator = [`https://127.0.0.1:${port}${PATH}`, "--ca-sha256", "0".repeat(64), "--tcti", tcti];
    const cluster = ["--kubeconfig", kubeconfig, "--runtime", "docker", "--runtime-socket", socket];
    const { short } = await doctor([...operator, ...cluster, ...ground.flags]);
    const tookMs = performance.now() - startMs;
    expect(short).toMatchObject({
      tpm: expect.stringMatching(/^fail TPM_/) as string,
      dns: "ok",
      ca: "fail REGISTRATION_TIMED_OUT",
      operator: "skipped",
      "api-server": expect.stringMatching(/^fail (NODE_API_TIMED_OUT|DOCTOR_TIMED_OUT)$/) as string,
      rights: "skipped",
      smbios: "ok",
    });
    expect(tookMs).toBeLessThan(21_000);
  });
});
