/** What scripts/build-image makes of the files of whoever runs it: their modes in the image, whatever the umask. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

/** In place of mmdebstrap: no more of Debian than what the recipe adds to it. Its own umask is that of mmdebstrap. */
const MMDEBSTRAP = `#!/bin/bash
set -euo pipefail
umask 022
root="$(mktemp -d)"
for argument; do
  case "$argument" in
    --essential-hook=*) sh -c "\${argument#*=}" sh "$root" ;;
    */layer.tar) target="$argument" ;;
  esac
done
chmod 0755 "$root"
tar --create --directory "$root" --file "$target" .
rm -rf -- "$root"
`;

describe("an image that is made with a umask of 077, from a checkout that was cloned with it", () => {
  let folder: string;
  let layers: readonly ReadonlyMap<string, string>[];

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "build-image-"));
    const checkout = path.join(folder, "checkout");
    for (const name of ["scripts", "boot", "systemd", "package.json"])
      cpSync(path.join(ROOT, name), path.join(checkout, name), { recursive: true });
    program(
      "checkout/scripts/build-agent",
      `#!/bin/sh\nmkdir -p ${checkout}/dist\necho x >${checkout}/dist/ros-agent\n`,
    );
    program("bin/mmdebstrap", MMDEBSTRAP);
    for (const name of ["containerd", "containerd-shim-runc-v2", "ctr"]) program(`containerd/${name}`, "");
    own("etc/secret", 0o600);
    own("usr/bin/program", 0o750);
    own("usr/lib/systemd/system/own.service", 0o644, "[Install]\nWantedBy=multi-user.target\n");
    own("var/lib/private/key", 0o600);
    execFileSync("chmod", ["-R", "go=", checkout]);
    execFileSync("chmod", [
      "go=",
      ...globSync(["layer", "layer/**/"], { cwd: folder }).map((one) => path.join(folder, one)),
    ]);
    build(path.join(folder, "image"));
    layers = layersOf(path.join(folder, "image"));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function program(name: string, content: string): void {
    mkdirSync(path.join(folder, name, ".."), { recursive: true });
    writeFileSync(path.join(folder, name), content, { mode: 0o755 });
  }

  function own(name: string, mode: number, content = "x"): void {
    program(`layer/${name}`, content);
    chmodSync(path.join(folder, "layer", name), mode);
  }

  function build(target: string): void {
    const args = ["--layer", path.join(folder, "layer"), target];
    const line = 'umask 077; exec "$@"';
    const script = path.join(folder, "checkout/scripts/build-image");
    const env = {
      PATH: `${path.join(folder, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: folder,
      RANCHEROS_CONTAINERD_BINARIES: path.join(folder, "containerd"),
    };
    // Of a user who is not root it is made in a namespace in which that user is root.
    const all = ["--user", "--map-root-user", "bash", "-c", line, "bash", script, ...args];
    execFileSync("unshare", all, {
      env,
      cwd: path.join(folder, "checkout"),
      timeout: 60_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** The lowest first, each by path: modes as \`tar --list\` writes them. */
  function layersOf(layout: string): readonly ReadonlyMap<string, string>[] {
    const blob = (digest: string): string => path.join(layout, "blobs", digest.replace(":", "/"));
    const read = (file: string): Record<string, unknown> =>
      JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    const [index] = read(path.join(layout, "index.json"))["manifests"] as { readonly digest: string }[];
    const manifest = read(blob(index?.digest ?? ""))["layers"] as { readonly digest: string }[];
    return manifest.map(({ digest }) => {
      const listed = execFileSync("tar", ["--list", "--verbose", "--gzip", "--file", blob(digest)], {
        encoding: "utf8",
      });
      const lines = listed.trimEnd().split("\n");
      return new Map(
        lines.map((line) => [line.replace(/ -> .*/, "").split(/\s+/)[5] ?? "", line.split(/\s/)[0] ?? ""]),
      );
    });
  }

  it.each([
    ["Debian", 0],
    ["containerd", 1],
    ["the agent", 2],
  ])("has all of the layer of %s open to all, and programs where git has programs", (_what, number) => {
    const layer = layers[number] ?? new Map<string, string>();
    expect(layer.size).toBeGreaterThan(5);
    const programs = /^\.\/usr\/(bin\/.|lib\/rancheros\/(init|live-console)$|lib\/systemd\/system-generators\/.)/;
    for (const [name, mode] of layer) {
      if (mode.startsWith("l")) continue;
      const wanted = name.endsWith("/") ? "drwxr-xr-x" : programs.test(name) ? "-rwxr-xr-x" : "-rw-r--r--";
      expect({ name, mode }).toEqual({ name, mode: wanted });
    }
  });

  it("has a user's own files with the modes that they have, and closes no folder to others that all systems share", () => {
    expect(Object.fromEntries(layers[3] ?? [])).toEqual({
      "./": "drwxr-xr-x",
      "./etc/": "drwxr-xr-x",
      "./etc/secret": "-rw-------",
      "./etc/systemd/": "drwxr-xr-x",
      "./etc/systemd/system/": "drwxr-xr-x",
      "./etc/systemd/system/multi-user.target.wants/": "drwxr-xr-x",
      "./etc/systemd/system/multi-user.target.wants/own.service": expect.stringMatching(/^l/) as string,
      "./usr/": "drwxr-xr-x",
      "./usr/bin/": "drwxr-xr-x",
      "./usr/bin/program": "-rwxr-x---",
      "./usr/lib/": "drwxr-xr-x",
      "./usr/lib/systemd/": "drwxr-xr-x",
      "./usr/lib/systemd/system/": "drwxr-xr-x",
      "./usr/lib/systemd/system/own.service": "-rw-r--r--",
      "./var/": "drwxr-xr-x",
      "./var/lib/": "drwxr-xr-x",
      "./var/lib/private/": "drwx------",
      "./var/lib/private/key": "-rw-------",
    });
  });

  it("is closed itself, as whoever made it wished, and leaves the files that it was made of as they were", () => {
    expect(statSync(path.join(folder, "image")).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, "layer")).mode & 0o777).toBe(0o700);
  });

  it("takes the place of the image that was there, also by a name that ends with a slash, and leaves nothing beside", () => {
    const before = readdirSync(folder);
    const index = (): string => readFileSync(path.join(folder, "image/index.json"), "utf8");
    const made = index();
    writeFileSync(path.join(folder, "image/index.json"), "old");
    build(`${path.join(folder, "image")}/`);
    expect(index()).toBe(made);
    writeFileSync(path.join(folder, "image/index.json"), "old");
    build(`${path.join(folder, "image")}//:latest`);
    expect(index()).toBe(made);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("takes the place of an empty folder, and of no other that is not an image", () => {
    const own = path.join(folder, "own");
    mkdirSync(own);
    build(own);
    expect(readdirSync(own).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    symlinkSync(own, path.join(folder, "link"));
    build(path.join(folder, "link"));
    expect(lstatSync(path.join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readdirSync(own)).toHaveLength(3);
    writeFileSync(path.join(own, "notes"), "mine");
    expect(() => build(own)).toThrow(/is no image/);
    expect(readFileSync(path.join(own, "notes"), "utf8")).toBe("mine");
    expect(() => build(path.join(own, "notes"))).toThrow(/is no image/);
    expect(() => build(path.join(folder, "checkout"))).toThrow(/is no image/);
    for (const target of [".", "..", "/", `${folder}/own/..`]) expect(() => build(target)).toThrow(/names no folder/);
    expect(existsSync(path.join(folder, "checkout/package.json"))).toBe(true);
  });
});
