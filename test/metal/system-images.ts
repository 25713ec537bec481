/** Operating systems for bare machines: the example with what the test needs, and versions of it that are good or bad. */
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** Where nothing is cached: Debian with mmdebstrap, on a slow line. */
const DEADLINE_MS = 30 * 60_000;

/** Runs one of scripts/. @returns what it printed */
export async function runScript(name: string, args: readonly string[]): Promise<string> {
  const program = path.join(ROOT, "scripts", name);
  const { stdout } = await promisify(execFile)(program, args, { timeout: DEADLINE_MS, maxBuffer: 16 * 1024 * 1024 });
  return stdout.trim();
}

export interface SystemVersion {
  /** Such as v2; the first one is v1. */
  readonly version: string;
  /** Beside the release file. @returns by path below the root: content, and "x" for programs */
  readonly files?: Readonly<Record<string, { readonly content: string; readonly isProgram?: boolean }>>;
}

export class SystemImages {
  readonly #folder: string;
  readonly #base: string | undefined;

  /** @param base  an OCI layout of somebody else's system, in place of the example with a kubelet */
  constructor(folder: string, base?: string) {
    this.#folder = folder;
    this.#base = base;
    mkdirSync(folder, { recursive: true });
  }

  /** @returns an OCI layout */
  async build({ version, files = {} }: SystemVersion): Promise<string> {
    const own = path.join(this.#folder, `${version}-files`);
    const put = (at: string, content: string, mode: number): void => {
      mkdirSync(path.join(own, path.dirname(at)), { recursive: true });
      writeFileSync(path.join(own, at), content, { mode });
    };
    put("usr/lib/rancheros-release", `IMAGE=registry.test/os:${version}\nVERSION_ID="${version}"\n`, 0o644);
    for (const [at, { content, isProgram }] of Object.entries(files))
      put(at, content, isProgram === true ? 0o755 : 0o644);
    const kubelet = this.#base === undefined ? [await this.#node()] : [];
    const layers = [path.join(import.meta.dirname, "guest"), ...kubelet, own];
    const args = layers.flatMap((layer) => ["--layer", layer]);
    const base = this.#base === undefined ? [] : ["--base", this.#base];
    return runScript("build-image", [...base, ...args, path.join(this.#folder, version)]);
  }

  /** With the kubelet, which is built once. */
  async #node(): Promise<string> {
    const folder = path.join(this.#folder, "node");
    cpSync(path.join(import.meta.dirname, "node"), folder, { recursive: true });
    const binaries = await runScript("control-plane-binaries", ["kubelet"]);
    mkdirSync(path.join(folder, "usr/bin"), { recursive: true });
    copyFileSync(path.join(binaries, "kubelet"), path.join(folder, "usr/bin/kubelet"));
    return folder;
  }
}
