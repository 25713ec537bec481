/** The shared libraries that an executable needs, and the Debian packages that they are from. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

export interface SharedLibrary {
  /** Where the loader finds it. */
  readonly path: string;
  readonly content: Buffer;
  readonly packageName: string;
}

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** SPDX. */
  readonly license: string;
  /** What Debian says about who may do what with it. */
  readonly copyright: string;
}

/** Of the packages that Node's libraries are from. Source: their copyright files */
const LICENSES: Readonly<Record<string, string>> = {
  libatomic1: "GPL-3.0-or-later WITH GCC-exception-3.1",
  libc6: "LGPL-2.1-or-later",
  "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
  "libstdc++6": "GPL-3.0-or-later WITH GCC-exception-3.1",
};
const TIMEOUT_MS = 30_000;

async function run(program: string, args: readonly string[]): Promise<string> {
  const options = { timeout: TIMEOUT_MS, env: { ...process.env, LC_ALL: "C" } };
  return (await promisify(execFile)(program, [...args], options)).stdout;
}

/** By path. @throws Error  one that is missing, or is not from a Debian package */
export async function sharedLibraries(executable: string): Promise<readonly SharedLibrary[]> {
  const printed = await run("ldd", [executable]);
  if (printed.includes("not found")) throw new Error(`${executable} lacks libraries here:\n${printed}`);
  const paths = [...printed.matchAll(/(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path = ""]) => path);
  return Promise.all(
    paths.sort().map(async (path) => ({ path, content: readFileSync(path), packageName: await packageOf(path) })),
  );
}

/** Where /lib is a link into /usr, some packages name one place and some the other. */
async function packageOf(path: string): Promise<string> {
  const places = [path, path.startsWith("/usr/") ? path.slice("/usr".length) : `/usr${path}`];
  // It complains where one of them is unknown, and prints the other.
  const { stdout } = await promisify(execFile)("dpkg-query", ["--search", ...places], { timeout: TIMEOUT_MS }).catch(
    (error: unknown) => ({ stdout: "", ...(error as { readonly stdout?: string }) }),
  );
  const name = /^([^:,\s]+)/.exec(stdout)?.[1];
  if (name === undefined) throw new Error(`${path} is not from a Debian package: the image is made on Debian`);
  return name;
}

/** @throws Error  a package whose licence the table above does not know */
export async function debianPackage(name: string): Promise<DebianPackage> {
  const [version = "", architecture = ""] = (
    await run("dpkg-query", ["--show", "--showformat=${Version} ${Architecture}\n", name])
  )
    .trim()
    .split(/\s+/);
  const license = LICENSES[name];
  if (license === undefined) throw new Error(`shared-libraries.ts does not know the licence of ${name}`);
  const copyright = readFileSync(`/usr/share/doc/${name}/copyright`, "utf8");
  return { name, version, architecture, license, copyright };
}
