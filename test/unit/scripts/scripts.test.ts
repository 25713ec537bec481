/** What the scripts of a new machine must not forget, and need not do. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

function read(name: string): string {
  return readFileSync(path.join(ROOT, name), "utf8");
}

describe("scripts/demo", () => {
  it("installs what it runs, and neither a browser nor helm, docker or virtual machines", () => {
    const script = read("scripts/demo");
    expect(script).toContain("needed=(packages npm control-plane)\n");
    expect(script).toContain('"$here/setup" "${needed[@]}"\n');
  });
});

describe("what starts machines beside a control plane and an image registry", () => {
  it.each(["rollout-kills", "bench"])(
    "installs these in scripts/%s, and neither a browser nor virtual machines",
    (name) => {
      expect(read(`scripts/${name}`)).toContain('/scripts/setup" --quiet packages npm control-plane\n');
    },
  );
});

describe("scripts/setup", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "set-up-"));
    chmodSync(folder, 0o755);
    for (const name of ["scripts", "bin", "node_modules/.bin"]) mkdirSync(path.join(folder, name), { recursive: true });
    for (const name of ["setup", "help.bash", "home.bash", "progress.bash"]) {
      cpSync(path.join(ROOT, "scripts", name), path.join(folder, "scripts", name));
    }
    writeFileSync(path.join(folder, "package-lock.json"), "{}");
    const programs = [
      "bash",
      "env",
      "dirname",
      "readlink",
      "getent",
      "cut",
      "mktemp",
      "rm",
      "awk",
      "grep",
      "cat",
      "sha256sum",
      "sed",
      "tr",
      "du",
      "tail",
      "flock",
      "uname",
    ];
    for (const name of programs) symlinkSync(path.join("/usr/bin", name), path.join(folder, "bin", name));
    const ours = {
      "apt-get": "exit 1",
      node: "echo v26.10.0",
      npm: "echo 11.0.0",
      ldconfig: "echo libatomic.so.1",
      df: "echo Avail; echo '   599'",
    };
    for (const [name, line] of Object.entries(ours)) {
      writeFileSync(path.join(folder, "bin", name), `#!/bin/bash\n${line}\n`, { mode: 0o755 });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** As a user who is not root. */
  function setUp(...steps: string[]): { readonly status: number | null; readonly stderr: string } {
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const env = { PATH: path.join(folder, "bin"), HOME: folder, TMPDIR: "/tmp" };
    const options = { encoding: "utf8", env, timeout: 60_000, ...nobody } as const;
    const { status, stderr } = spawnSync(path.join(folder, "scripts/setup"), steps, options);
    return { status, stderr };
  }

  it("tells who is not root once of the packages that all steps miss, and how they are installed", () => {
    const { status, stderr } = setUp();
    const asRoot = "apt-get update && apt-get install --no-install-recommends ";
    const [first = "", ...more] = stderr.trimEnd().split("\n");
    expect({ status, more }).toEqual({ status: 1, more: [] });
    expect(first).toContain(`as root: ${asRoot}`);
    const packages = first.slice(first.indexOf(asRoot) + asRoot.length).split(" ");
    for (const name of ["jq", "swtpm", "xz-utils", "qemu-system-x86", "mmdebstrap"]) expect(packages).toContain(name);
    expect(packages).toEqual([...new Set(packages)]);
  });

  it("says before npm begins that there is too little room for the packages", () => {
    rmSync(path.join(folder, "node_modules"), { recursive: true, force: true });
    const { status, stderr } = setUp("npm");
    const said = `setup: the npm packages need 600 MB in ${folder}/node_modules, where 599 MB are free\n`;
    expect({ status, stderr }).toEqual({ status: 1, stderr: said });
  });

  it("names xz alone where only xz is asked for", () => {
    expect(setUp("xz")).toEqual({
      status: 1,
      stderr: expect.stringMatching(/--no-install-recommends xz-utils\n$/) as string,
    });
  });
});

describe("the scripts that keep what they make", () => {
  it.each([
    ["docker-binaries", "RANCHEROS_DOCKER_BINARIES"],
    ["containerd-binaries", "RANCHEROS_CONTAINERD_BINARIES"],
    ["helm-binary", "RANCHEROS_HELM"],
    ["promtool-binary", "RANCHEROS_PROMTOOL"],
  ])("%s does without HOME, as services and containers do", (name, variable) => {
    // What it is pointed at is not there: it has come that far.
    const env = { PATH: "/usr/bin:/bin", [variable]: "/none" };
    const options = { encoding: "utf8", env, timeout: 60_000 } as const;
    const { stderr } = spawnSync(path.join(ROOT, "scripts", name), [], options);
    expect(stderr).toContain(`${variable}=/none`);
    expect(read(`scripts/${name}`)).toContain('source "$here/home.bash"\n');
  });

  it("promtool-binary finds in a cache what is there, where nothing may be written", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "read-only-"));
    const kept = path.join(folder, "rancheros-operator/promtool");
    const bin = path.join(folder, "bin");
    try {
      for (const name of [kept, bin]) mkdirSync(name, { recursive: true });
      for (const name of ["bash", "env", "dirname", "readlink", "mkdir", "flock"])
        symlinkSync(path.join("/usr/bin", name), path.join(bin, name));
      writeFileSync(path.join(kept, "promtool"), "", { mode: 0o755 });
      for (const name of [kept, path.dirname(kept)]) chmodSync(name, 0o555);
      const args = ["--user", "--map-user=54321", path.join(ROOT, "scripts/promtool-binary")];
      const env = { PATH: bin, HOME: folder, XDG_CACHE_HOME: folder };
      const { stdout, stderr } = spawnSync("/usr/bin/unshare", args, { encoding: "utf8", env, timeout: 60_000 });
      expect({ stdout, stderr }).toEqual({ stdout: `${kept}/promtool\n`, stderr: "" });
    } finally {
      for (const name of [path.dirname(kept), kept]) chmodSync(name, 0o755);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("find the same folder without HOME as with it", () => {
    const script = `unset HOME; . "${ROOT}/scripts/home.bash"; . "${ROOT}/scripts/os-image.bash"; echo "$os_image_cache"`;
    const env = { PATH: "/usr/bin:/bin" };
    const { stdout } = spawnSync("bash", ["-euc", script], { encoding: "utf8", env, timeout: 60_000 });
    expect(stdout).toBe(`${userInfo().homedir}/.cache/rancheros-operator/os-image\n`);
  });

  it("ask a user for HOME who has none, and no entry in the passwd database either: /.cache is nobody's", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "no-home-"));
    try {
      chmodSync(folder, 0o755);
      for (const name of ["home.bash", "os-image.bash"])
        cpSync(path.join(ROOT, "scripts", name), path.join(folder, name));
      const script = `set -euo pipefail; . ${folder}/home.bash; . ${folder}/os-image.bash; echo "$os_image_cache"`;
      const run = (env: Readonly<Record<string, string>>): string[] => {
        const args = ["--user", "--map-user=54321", "bash", "-c", script, "scripts/build-media"];
        const options = { encoding: "utf8", env: { PATH: "/usr/bin:/bin", ...env }, timeout: 60_000 } as const;
        const { stdout, stderr } = spawnSync("unshare", args, options);
        return [stdout, stderr];
      };
      const said =
        "build-media: there is no HOME, and no home of user 54321 in the passwd database: " +
        "set HOME to a folder that this user may write\n";
      expect(run({})).toEqual(["", said]);
      expect(run({ HOME: "" })).toEqual(["", said]);
      expect(run({ HOME: folder })).toEqual([`${folder}/.cache/rancheros-operator/os-image\n`, ""]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("each script", () => {
  const scripts = readdirSync(path.join(ROOT, "scripts"), { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes("."))
    .map((entry) => entry.name)
    // They hand all arguments on to a program, which has a help of its own.
    .filter((name) => !["apt-update", "ros-agent", "rancheros-operator"].includes(name));

  it.each(scripts)(
    "%s tells its usage before it installs or builds anything, in a checkout with nothing beside it",
    (name) => {
      const folder = mkdtempSync(path.join(tmpdir(), "script-help-"));
      try {
        cpSync(path.join(ROOT, "scripts"), path.join(folder, "scripts"), { recursive: true });
        writeFileSync(path.join(folder, "package.json"), '{\n  "version": "1.2.3",\n}\n');
        const env = {
          PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
          HOME: folder,
          RANCHEROS_DEBIAN_MIRROR: "http://127.0.0.1:9",
        };
        const options = { encoding: "utf8", env, timeout: 60_000 } as const;
        const { status, stdout, stderr } = spawnSync(path.join(folder, "scripts", name), ["--help"], options);
        expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
        expect(stdout).toMatch(new RegExp(`^usage: .*scripts/${name}`, "m"));
        expect(readdirSync(folder).toSorted()).toEqual(["package.json", "scripts"]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

describe("scripts/apt-update", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "apt-update-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @param lines  an apt-get in shell; "$asked" is a file with a letter for each time that it ran */
  function aptUpdate(lines: string): { status: number | null; stdout: string; times: number } {
    const asked = path.join(folder, "asked");
    writeFileSync(asked, "");
    const program = path.join(folder, "apt-get");
    writeFileSync(program, `#!/bin/sh\nasked=${asked}\nprintf x >>"$asked"\n${lines}\n`);
    chmodSync(program, 0o755);
    const { status, stdout } = spawnSync(path.join(ROOT, "scripts/apt-update"), ["-qq"], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
      timeout: 60_000,
    });
    return { status, stdout, times: readFileSync(asked, "utf8").length };
  }

  it("waits for who holds the lock on the lists", () => {
    const lines = `if [ "$(cat "$asked")" = x ]; then echo "E: Could not get lock /l" >&2; exit 100; fi; echo "read $*"`;
    expect(aptUpdate(lines)).toEqual({ status: 0, stdout: "read -qq update\n", times: 2 });
  });

  it("says at once what else is wrong", () => {
    const lines = `echo "E: Could not resolve 'deb'" >&2; exit 100`;
    expect(aptUpdate(lines)).toEqual({ status: 100, stdout: "E: Could not resolve 'deb'\n", times: 1 });
  });
});

describe("Go", () => {
  const folders = ["scripts", "test", "packages"];
  const files = globSync(
    folders.map((folder) => `${folder}/**/go.mod`),
    { cwd: ROOT, exclude: ["**/node_modules"] },
  );
  const wanted = files.map((file) => /^go (\S+)$/m.exec(read(file))?.[1] ?? "");
  const newest = wanted.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1) ?? "";

  it.each(["README.md", "docs/quick-start.md"])(
    "is named by %s in the version that all modules are built with",
    (page) => {
      expect(wanted.length).toBeGreaterThan(5);
      expect(read(page)).toContain(`Go ${newest} or newer`);
    },
  );

  it.each(["test", "nightly"])("is the newest of its minor version in the workflow %s", (workflow) => {
    const minor = newest.split(".").slice(0, 2).join(".");
    expect(read(`.github/workflows/${workflow}.yml`)).toContain(
      `go-version: "${minor}.x"\n          check-latest: true\n`,
    );
  });

  it("is refused before minutes of building where it is too old", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "old-go-"));
    try {
      writeFileSync(path.join(folder, "go"), '#!/bin/sh\n[ "$1 $2" = "env GOVERSION" ] && echo go1.26.0\n', {
        mode: 0o755,
      });
      const { status, stderr } = spawnSync(path.join(ROOT, "scripts/control-plane-binaries"), ["etcd"], {
        encoding: "utf8",
        env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, XDG_CACHE_HOME: folder },
        timeout: 60_000,
      });
      expect(stderr).toContain(`Go ${newest} or newer is needed`);
      expect(stderr).toContain("found 1.26.0");
      expect(status).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
