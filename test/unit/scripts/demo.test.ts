/** The demo as a process: what it does at Ctrl-C and when its terminal goes, and what it hands on to what it starts. */
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const TEARDOWN = pathToFileURL(path.join(ROOT, "scripts/demo-teardown.ts")).href;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "demo-script-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function seen(): readonly string[] {
  const file = path.join(folder, "seen");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

describe("the demo's teardown", () => {
  /** A demo that has started two things, and starts one more while it is told to end. */
  const DEMO = `
    import { appendFileSync } from "node:fs";
    import { setTimeout as sleep } from "node:timers/promises";
    import { DemoTeardown } from "${TEARDOWN}";
    const see = (what) => appendFileSync(process.env.SEEN, what + "\\n");
    const teardown = new DemoTeardown(() => see("folder"));
    teardown.listen(() => 130);
    teardown.atTheEnd(() => see("first"));
    teardown.atTheEnd(() => { see("second"); throw new Error("it does not stop"); });
    const keepAlive = setInterval(() => process.stdout.write("."), 20);
    void teardown.watch(new Promise((resolve) => {
      teardown.signal.addEventListener("abort", () => setTimeout(() => {
        teardown.atTheEnd(() => see("third"));
        resolve();
      }, 100));
    }));
    process.stdout.write("up\\n");`;
  let demo: ChildProcessByStdio<null, Readable, Readable>;

  async function start(more = ""): Promise<void> {
    demo = spawn(process.execPath, ["--input-type=module", "--eval", `${DEMO}\n${more}`], {
      env: { SEEN: path.join(folder, "seen") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    await once(demo.stdout, "data");
  }

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "takes all down at %s, the last first, and what came late",
    async (signal) => {
      await start();
      demo.kill(signal);
      expect(await once(demo, "exit")).toEqual([130, null]);
      expect(seen()).toEqual(["second", "first", "third", "folder"]);
    },
  );

  it("does so also where nobody is left to read what it says", async () => {
    await start();
    demo.stdout.destroy();
    demo.stderr.destroy();
    demo.kill("SIGINT");
    expect(await once(demo, "exit")).toEqual([130, null]);
    expect(seen()).toEqual(["second", "first", "third", "folder"]);
  });

  it("does so after an error that nobody waited for, and says which", async () => {
    await start('void Promise.reject(new Error("a machine is lost"));');
    const [said] = await Promise.all([text(demo.stderr), once(demo, "exit")]);
    expect(demo.exitCode).toBe(1);
    expect(said).toContain("demo: a machine is lost\n");
    expect(seen()).toEqual(["second", "first", "third", "folder"]);
  });

  it("ends at once at a second signal", async () => {
    await start('teardown.atTheEnd(() => { see("hangs"); return new Promise(() => undefined); });');
    demo.kill("SIGINT");
    await expect.poll(seen).toEqual(["hangs"]);
    demo.kill("SIGINT");
    expect(await once(demo, "exit")).toEqual([130, null]);
    expect(seen()).toEqual(["hangs"]);
  });
});

describe("scripts/demo", () => {
  beforeEach(() => {
    for (const name of ["scripts", "node_modules/.bin"]) mkdirSync(path.join(folder, name), { recursive: true });
    for (const name of ["demo", "home.bash", "no-proxy.bash", "progress.bash"])
      cpSync(path.join(ROOT, "scripts", name), path.join(folder, "scripts", name));
    for (const name of ["setup", "clean-killed-runs"])
      program(`scripts/${name}`, `echo "${name} $* \${NO_PROXY-}" >>"$SEEN"`);
    symlinkSync("/bin/bash", path.join(folder, "node_modules/.bin/node"));
  });

  function program(name: string, lines: string): void {
    writeFileSync(path.join(folder, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
  }

  function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { PATH: "/usr/bin:/bin", HOME: folder, TMPDIR: folder, SEEN: path.join(folder, "seen"), ...more };
  }

  function ends(lines: string, more: Readonly<Record<string, string>> = {}): number | null {
    program("scripts/demo.ts", lines);
    const options = { env: environment(more), timeout: 60_000, encoding: "utf8" } as const;
    return spawnSync(path.join(folder, "scripts/demo"), ["--once"], options).status;
  }

  it("ends as the demo has ended, after it has taken away what others left and installed what is missing", () => {
    expect(ends('echo "demo $*" >>"$SEEN"; exit 7')).toBe(7);
    const [clean, setup, demo] = seen();
    expect(clean).toBe(`clean-killed-runs ${folder} `);
    expect(setup).toMatch(/^setup packages npm control-plane/);
    expect(demo).toBe("demo --once");
  });

  it.each([
    [{}, "127.0.0.1,localhost|127.0.0.1,localhost"],
    [{ NO_PROXY: "a" }, "127.0.0.1,localhost,a|127.0.0.1,localhost,a"],
    [{ NO_PROXY: "a", no_proxy: "b" }, "127.0.0.1,localhost,a|127.0.0.1,localhost,b"],
  ])("keeps requests to this machine from proxies, which the setup asks as it is told (%j)", (given, lists) => {
    expect(ends('echo "demo $NO_PROXY|$no_proxy" >>"$SEEN"', given)).toBe(0);
    const [, setup = "", demo] = seen();
    expect(setup.split(" ").at(-1)).toBe("NO_PROXY" in given ? given.NO_PROXY : "");
    expect(demo).toBe(`demo ${lists}`);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "is told of %s alone, tears down with what it has started, and leaves nothing",
    async (signal) => {
      // A server that is asked while all is taken down, and one that is forgotten then.
      const demo = `
        import { spawn } from "node:child_process";
        import { appendFileSync } from "node:fs";
        const see = (what) => appendFileSync(process.env.SEEN, what + "\\n");
        const [server, forgotten] = [spawn("sleep", ["50"]), spawn("sleep", ["51"])];
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
          process.on(signal, () => setTimeout(() => {
            see(server.signalCode === null ? "down with " + signal : "the server is gone");
            server.kill();
            process.exit(9);
          }, 200));
        }
        see("up " + server.pid + " " + forgotten.pid);`;
      rmSync(path.join(folder, "node_modules/.bin/node"));
      symlinkSync(process.execPath, path.join(folder, "node_modules/.bin/node"));
      writeFileSync(path.join(folder, "scripts/demo.ts"), demo);
      // A process group of its own, as a shell gives to what is typed into it.
      const child = spawn(path.join(folder, "scripts/demo"), [], {
        env: environment(),
        stdio: "ignore",
        detached: true,
      });
      await expect.poll(() => seen().at(-1), { timeout: 20_000 }).toMatch(/^up /);
      const pids = (seen().at(-1) ?? "").split(" ").slice(1);
      process.kill(-(child.pid ?? Number.NaN), signal);
      expect(await once(child, "exit")).toEqual([9, null]);
      expect(seen().at(-1)).toBe(`down with ${signal}`);
      for (const pid of pids) await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
    },
  );
});
