/** What the scripts build with Go and keep is for the machine on which it is kept, whatever its user builds otherwise. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "go-programs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** With a go whose programs consist of these lines of shell. */
function run(script: string, lines: string): { status: number | null; kept: readonly string[] } {
  const go = `#!/bin/bash
case "$1 $2" in
  "env GOVERSION") echo go9.99.0 ;;
  "env GOHOSTARCH") echo here ;;
  "list "*) echo some/package ;;
  "build "*)
    echo "$GOOS $GOARCH $GOFLAGS" >${folder}/environment
    until [[ "$1" == -o ]]; do shift; done
    if [[ "$2" == */ ]]; then files=("$2"{containerd,containerd-shim-runc-v2,ctr}); else files=("$2"); fi
    for file in "\${files[@]}"; do printf '#!/bin/sh\\n%s\\n' '${lines}' >"$file" && chmod 755 "$file"; done ;;
esac
`;
  writeFileSync(path.join(folder, "go"), go, { mode: 0o755 });
  const elsewhere = { GOOS: "windows", GOARCH: "arm64", GOFLAGS: "-mod=mod" };
  const env = {
    PATH: `${folder}:/usr/bin:/bin`,
    HOME: folder,
    XDG_CACHE_HOME: path.join(folder, "cache"),
    ...elsewhere,
  };
  const command = path.join(ROOT, "scripts", script);
  const { status } = spawnSync("bash", ["-c", `exec ${command}`], { encoding: "utf8", env, timeout: 60_000 });
  const names = "{etcd,containerd,containerd-shim-runc-v2,ctr,helm}";
  const kept = globSync(`cache/rancheros-operator/{control-plane/*,*}/${names}`, { cwd: folder });
  return { status, kept: [...new Set(kept.map((file) => path.basename(file)))].toSorted() };
}

describe.each([
  ["control-plane-binaries etcd", ["etcd"]],
  ["containerd-binaries", ["containerd", "containerd-shim-runc-v2", "ctr"]],
  ["helm-binary", ["helm"]],
])("scripts/%s", (script, names) => {
  it("builds for this machine, where GOOS, GOARCH and GOFLAGS are for something else", () => {
    expect(run(script, "exit 0")).toEqual({ status: 0, kept: names });
    expect(readFileSync(path.join(folder, "environment"), "utf8")).toBe("linux here -mod=readonly\n");
  });

  it("keeps nothing that does not run", () => {
    expect(run(script, "exit 126")).toEqual({ status: 1, kept: [] });
    expect(existsSync(path.join(folder, "environment"))).toBe(true);
  });
});
