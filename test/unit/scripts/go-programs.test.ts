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

/** Of somebody who builds for something else, with a go whose programs consist of these lines of shell. */
function environmentWithGo(lines: string): Record<string, string> {
  const go = `#!/bin/bash
case "$1 $2" in
  "env GOVERSION") echo go9.99.0 ;;
  "env GOHOSTARCH") echo here ;;
  "list "*) echo some/package ;;
  "build "*)
    echo "$GOOS $GOARCH $GOAMD64 $GOARM64 $CGO_ENABLED $GO111MODULE $GOFLAGS" >${folder}/environment
    until [[ "$1" == -o ]]; do shift; done
    if [[ "$2" == */ ]]; then files=("$2"{containerd,containerd-shim-runc-v2,ctr}); else files=("$2"); fi
    for file in "\${files[@]}"; do printf '#!/bin/sh\\n%s\\n' '${lines}' >"$file" && chmod 755 "$file"; done ;;
esac
`;
  writeFileSync(path.join(folder, "go"), go, { mode: 0o755 });
  const target = { GOOS: "windows", GOARCH: "riscv64", GOAMD64: "v4", GOARM64: "v9.5" };
  const elsewhere = { ...target, CGO_ENABLED: "1", GO111MODULE: "off", GOFLAGS: "-mod=mod" };
  return {
    PATH: `${folder}:/usr/bin:/bin`,
    HOME: folder,
    XDG_CACHE_HOME: path.join(folder, "cache"),
    ...elsewhere,
  };
}

function run(script: string, lines: string): { status: number | null; kept: readonly string[] } {
  const env = environmentWithGo(lines);
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
  it("builds for this machine, where GOOS, GOARCH and their like are for something else", () => {
    expect(run(script, "exit 0")).toEqual({ status: 0, kept: names });
    expect(readFileSync(path.join(folder, "environment"), "utf8")).toBe("linux here v1 v8.0 0 on -mod=readonly\n");
  });

  it("keeps nothing that does not run", () => {
    expect(run(script, "exit 126")).toEqual({ status: 1, kept: [] });
    expect(existsSync(path.join(folder, "environment"))).toBe(true);
  });
});

it("builds the tests' own programs for this machine too", () => {
  const module = { folder, prefix: "own-", packages: ["./cmd/one"], what: "one program" };
  const script = `
    import { buildGoModule } from "${ROOT}/test/go/build-module.ts";
    process.stdout.write(await buildGoModule(${JSON.stringify(module)}));`;
  const args = ["--input-type=module", "--eval", script];
  const options = { encoding: "utf8", env: environmentWithGo("exit 0"), timeout: 60_000 } as const;
  const { status, stdout } = spawnSync(process.execPath, args, options);
  expect({ status, made: path.dirname(stdout) }).toEqual({
    status: 0,
    made: path.join(folder, "cache/rancheros-operator"),
  });
  const here = process.arch === "x64" ? "amd64" : process.arch;
  expect(readFileSync(path.join(folder, "environment"), "utf8")).toBe(`linux ${here} v1 v8.0 0 on -mod=readonly\n`);
});
