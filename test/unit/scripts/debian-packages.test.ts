/** Debian packages by scripts/setup: finished where they were broken off, and not broken off. Root is the user's own, by a namespace. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const PROGRAMS = "bash env dirname readlink getent cut mktemp rm awk grep cat touch sed sleep setpriv uname".split(" ");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "debian-packages-"));
  chmodSync(folder, 0o755);
  mkdirSync(path.join(folder, "bin"));
  cpSync(path.join(ROOT, "scripts"), path.join(folder, "scripts"), { recursive: true });
  for (const name of PROGRAMS) program(name, `exec /usr/bin/${name} "$@"`);
  program("dpkg", `[ "$1" = --audit ] || echo "dpkg $*" >>${folder}/ran`);
  program("apt-get", "");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, lines: string): void {
  writeFileSync(path.join(folder, "bin", name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
}

/** An apt-get that does these lines when it installs. */
function aptGetInstalls(lines: string): void {
  program(
    "apt-get",
    `case " $* " in\n  *" --download-only "*) echo fetched >>${folder}/ran ;;\n  *" install "*)\n${lines}\n;;\nesac`,
  );
}

const COMMAND = ["--user", "--map-root-user", "scripts/setup", "xz"];

function options(): { cwd: string; env: Record<string, string> } {
  return { cwd: folder, env: { PATH: path.join(folder, "bin"), HOME: folder, TMPDIR: folder } };
}

function setUp(more: Readonly<Record<string, string>> = {}): {
  status: number | null;
  stderr: string;
  ran: readonly string[];
} {
  const { cwd, env } = options();
  const { status, stderr } = spawnSync("/usr/bin/unshare", COMMAND, {
    cwd,
    env: { ...env, ...more },
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stderr, ran: ran() };
}

function ran(): readonly string[] {
  const file = path.join(folder, "ran");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

it("configures what an installation that was broken off has only unpacked, though its command is there", () => {
  program("xz", "");
  program(
    "dpkg",
    `if [ "$1" = --audit ]; then case " $* " in *" xz-utils "*) echo xz-utils ;; esac; else echo "dpkg $*" >>${folder}/ran; fi`,
  );
  expect(setUp()).toMatchObject({ status: 0, ran: ["dpkg --configure -a"] });
});

describe("while somebody else installs, which leaves packages unpacked for a while", () => {
  /** @param lines  what apt-get does when it is asked whether another one holds the lock, and how often it was asked */
  function somebodyElseInstalls(lines: string): void {
    program("xz", "");
    program(
      "dpkg",
      `if [ "$1" = --audit ]; then [ -e ${folder}/ended ] || echo xz-utils; else echo "dpkg $*" >>${folder}/ran; fi`,
    );
    const locked = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (apt)";
    const answer = `locked() { echo "${locked}" >&2; exit 100; }
echo asked >>${folder}/ran
`;
    program(
      "apt-get",
      `${answer}[ "$*" = check ] || exit 1
times="$(grep -c asked ${folder}/ran)"
${lines}`,
    );
  }

  it("waits for the end of it, and leaves alone what is whole then", () => {
    somebodyElseInstalls(`[ "$times" = 2 ] || locked; : >${folder}/ended`);
    expect(setUp()).toMatchObject({
      status: 0,
      ran: ["asked", "asked"],
      stderr: "step 1 of 1, xz: another process installs packages; waiting for it\nstep 1 of 1, xz: all there\n",
    });
  });

  it("configures what that one has left when it was ended itself", () => {
    somebodyElseInstalls('[ "$times" = 2 ] || locked');
    expect(setUp()).toMatchObject({ status: 0, ran: ["asked", "asked", "dpkg --configure -a"] });
  });

  it("gives up after a while, without a word of something broken", () => {
    somebodyElseInstalls("locked");
    const { status, stderr, ran: calls } = setUp({ RANCHEROS_APT_WAIT_SECONDS: "1" });
    expect({ status, calls: new Set(calls) }).toEqual({ status: 1, calls: new Set(["asked"]) });
    expect(stderr).toMatch(/^setup: gave up after 1 s of waiting for another process that installs packages/m);
    expect(stderr).not.toContain("broken off");
  });

  it("ends at once when it is told to: nothing of its own is under way", async () => {
    somebodyElseInstalls("locked");
    const setup = spawn("/usr/bin/unshare", COMMAND, { ...options(), stdio: "ignore" });
    const closed = new Promise<number | null>((resolve) => setup.once("close", resolve));
    await expect.poll(ran).toContain("asked");
    setup.kill("SIGTERM");
    expect(await closed).toBe(143);
  });
});

it("leaves dpkg alone where nothing was broken off", () => {
  program("xz", "");
  expect(setUp()).toMatchObject({ status: 0, ran: [] });
});

it("waits for who holds the lock on the archives", () => {
  aptGetInstalls(`echo asked >>${folder}/ran; [ "$(grep -c asked ${folder}/ran)" = 2 ] ||
    { echo "E: Could not get lock /var/cache/apt/archives/lock" >&2; exit 100; }`);
  expect(setUp()).toMatchObject({ status: 0, ran: ["fetched", "asked", "asked"] });
});

it.each(["SIGINT", "SIGTERM"] as const)(
  "lets an installation come to its end after %s, and says so",
  async (signal) => {
    aptGetInstalls(`echo begun >>${folder}/ran; sleep 2; echo ended >>${folder}/ran`);
    const setup = spawn("/usr/bin/unshare", COMMAND, { ...options(), stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    setup.stderr.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
    const closed = new Promise<number | null>((resolve) => setup.once("close", resolve));
    await expect.poll(ran).toEqual(["fetched", "begun"]);
    setup.kill(signal);
    expect(await closed).toBe(signal === "SIGINT" ? 130 : 143);
    expect(ran()).toEqual(["fetched", "begun", "ended"]);
    expect(stderr).toContain("waiting for its end");
  },
);

it.each([
  ["aarch64", "packages", ["grub-efi-arm64-bin"]],
  ["aarch64", "metal", []],
  ["x86_64", "packages", ["grub-pc-bin", "grub-efi-amd64-bin"]],
  ["x86_64", "metal", ["grub-pc-bin", "grub-efi-amd64-bin"]],
])("asks on %s in step %s for what of GRUB Debian has there", (machine, step, forGrub) => {
  program("uname", `echo ${machine}`);
  program("apt-get", `case " $* " in *" --download-only "*) printf '%s\\n' "$@" >>${folder}/ran ;; esac`);
  // As where none of GRUB is installed.
  const script = `/usr/bin/mount -t tmpfs none /usr/lib/grub 2>/dev/null; exec scripts/setup ${step}`;
  const args = ["--user", "--map-root-user", "--mount", "bash", "-c", script];
  const { status } = spawnSync("/usr/bin/unshare", args, { ...options(), timeout: 60_000 });
  expect(status).toBe(0);
  expect(ran()).toContain("swtpm");
  expect(ran().filter((name) => /^grub-(pc|efi)/.test(name))).toEqual(forGrub);
});
