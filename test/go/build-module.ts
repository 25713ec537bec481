/** Builds the programs of a Go module once, and keeps them in the user's cache folder. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";

export interface GoModule {
  /** With go.mod, go.sum and sources. */
  readonly folder: string;
  /** Folders of the modules that its go.mod replaces by what is here. */
  readonly alsoFrom?: readonly string[];
  /** Of its folders in the cache: one each for what the sources are. */
  readonly prefix: string;
  /** In Go's words, relative to the folder. */
  readonly packages: readonly string[];
  /** For people who wait. */
  readonly what: string;
}

/** A cold build takes about a minute on two cores, fetching the modules included; somebody else's may be ahead of it. */
export const BUILD_TIMEOUT_MS = 10 * 60_000;

const UNUSED_AFTER_MS = 30 * 24 * 3600_000;
/** Whatever else its user builds; as scripts/go-build.bash does. */
const FOR_HERE = {
  CGO_ENABLED: "0",
  GO111MODULE: "on",
  GOWORK: "off",
  GOFLAGS: "-mod=readonly",
  GOOS: "linux",
  GOARCH: process.arch === "x64" ? "amd64" : process.arch,
  GOAMD64: "v1",
  GOARM64: "v8.0",
};
const GO_FALLBACK = "/usr/local/go/bin";

/** @returns the folder with the programs @throws Error with what Go said, where Go is missing or the build fails */
export async function buildGoModule(module: GoModule): Promise<string> {
  const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "rancheros-operator");
  const folder = path.join(cache, `${module.prefix}${hashSources([module.folder, ...(module.alsoFrom ?? [])])}`);
  if (existsSync(folder)) utimesSync(folder, new Date(), new Date());
  else await build(cache, folder, module);
  return folder;
}

function hashSources(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    for (const file of globSync(["go.mod", "go.sum", "**/*.go"], { cwd: folder }).sort()) {
      hash
        .update(`${file}\0`)
        .update(readFileSync(path.join(folder, file)))
        .update("\0");
    }
  }
  return hash.digest("hex").slice(0, 16);
}

async function build(
  cache: string,
  folder: string,
  { folder: module, prefix, packages, what }: GoModule,
): Promise<void> {
  mkdirSync(cache, { recursive: true });
  removeUnused(cache, prefix);
  const making = mkdtempSync(path.join(cache, `.making-${prefix}`));
  try {
    process.stderr.write(`building ${what} with Go: about a minute, once\n`);
    // One at a time: who comes second finds everything in Go's own cache.
    const flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", making + path.sep];
    await run(module, what, "flock", [path.join(cache, `.${prefix}lock`), "go", "build", ...flags, ...packages]);
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    // Somebody else was faster, with the same sources.
    if (!existsSync(folder)) throw error;
  }
}

async function run(module: string, what: string, command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, {
    cwd: module,
    env: {
      ...process.env,
      PATH: `${process.env["PATH"] ?? ""}:${GO_FALLBACK}`,
      ...FOR_HERE,
    },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: BUILD_TIMEOUT_MS,
  });
  const [output] = await Promise.all([text(child.stderr), once(child, "exit")]);
  if (child.exitCode !== 0) throw new Error(`${what} could not be built with Go:\n${output}`);
}

/** What other sources left behind: programs that nobody asked for since, and builds that were killed. */
function removeUnused(cache: string, prefix: string): void {
  for (const name of globSync([`${prefix}*`, `.making-${prefix}*`], { cwd: cache })) {
    const old = path.join(cache, name);
    if (Date.now() - statSync(old).mtimeMs > UNUSED_AFTER_MS) rmSync(old, { recursive: true, force: true });
  }
}
