/** Makes the files of a program: executable, checksums, bill of materials, compressed executable. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { billOfMaterials } from "./bill-of-materials.ts";
import { bundledPackages } from "./bundled-packages.ts";
import { bundleProgram, type Bundle } from "./bundle-program.ts";
import { compressFile } from "./compress-file.ts";
import { lockedPackage } from "./locked-packages.ts";
import { nodeExecutable, type Architecture } from "./node-executable.ts";
import { partsOfNode } from "./parts-of-node.ts";
import type { BinaryProgram } from "./programs.ts";
import { singleExecutable } from "./single-executable.ts";
import { makeWorkFolder } from "./make-work-folder.ts";

export interface BuildOptions {
  readonly arch: Architecture;
  /** Where the files go. */
  readonly folder: string;
  /** "" where nobody knows. */
  readonly commit: string;
  readonly compress: boolean;
}

export interface Built {
  /** Path of the executable. */
  readonly file: string;
  /** Whether something had to be made. */
  readonly made: boolean;
}

/** @throws Error  what is missing or fails, with what it said; the files of the build before are there or gone as a whole */
export async function buildProgram(root: string, program: BinaryProgram, options: BuildOptions): Promise<Built> {
  const { arch, folder, commit, compress } = options;
  const file = path.join(folder, program.name);
  const stamp = path.join(folder, `.${program.name}.inputs`);
  const wanted = [file, `${file}.sha256`, `${file}.cdx.json`, ...(compress ? [`${file}.xz`] : [])];
  const bundle = await bundleProgram(root, program, commit);
  const inputs = inputsHash(root, program, arch, bundle);
  if (wanted.every((one) => existsSync(one)) && existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) {
    return { file, made: false };
  }
  const work = makeWorkFolder(folder);
  try {
    const node = await nodeExecutable(root, arch);
    const { execArgv, takesNodeOptions } = program;
    const { main, parts: assets } = bundle;
    const executable = await singleExecutable({ main, assets, node, execArgv, takesNodeOptions }, work);
    const materials = billOfMaterials(materialsOf(root, program, { bundle, node, executable, arch, commit }));
    writeFileSync(path.join(work, "materials"), `${JSON.stringify(materials, null, 2)}\n`);
    if (compress) {
      process.stderr.write(`${program.name}: packing it with xz, about a minute\n`);
      await compressFile(executable);
    }
    const names = compress ? ["", ".xz"] : [""];
    const sums = names.map((ending) => `${sha256(`${executable}${ending}`)}  ${program.name}${ending}\n`);
    writeFileSync(path.join(work, "sums"), sums.join(""));

    for (const old of [stamp, `${file}.xz`]) rmSync(old, { force: true });
    // A folder, from the time when bundles were kept there.
    if (existsSync(file) && statSync(file).isDirectory()) rmSync(file, { recursive: true });
    for (const ending of names) renameSync(`${executable}${ending}`, `${file}${ending}`);
    renameSync(path.join(work, "sums"), `${file}.sha256`);
    renameSync(path.join(work, "materials"), `${file}.cdx.json`);
    writeFileSync(stamp, inputs);
    return { file, made: true };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of all that the files depend on. */
function inputsHash(root: string, program: BinaryProgram, arch: Architecture, bundle: Bundle): string {
  const { main, parts } = bundle;
  const hash = createHash("sha256").update(JSON.stringify({ program, arch, main, parts: [...parts] }));
  hash.update(readFileSync(path.join(root, "package-lock.json")));
  for (const name of readdirSync(import.meta.dirname).sort())
    hash.update(readFileSync(path.join(import.meta.dirname, name)));
  return hash.digest("hex");
}

interface Made {
  readonly bundle: Bundle;
  readonly node: string;
  readonly executable: string;
  readonly arch: Architecture;
  readonly commit: string;
}

function materialsOf(
  root: string,
  program: BinaryProgram,
  { bundle, executable, arch, commit }: Made,
): Parameters<typeof billOfMaterials>[0] {
  const manifests = program.packages.map((name) => manifest(path.join(root, "packages", name, "package.json")));
  // The Node of another processor is of the same version, from the same sources.
  const { version } = lockedPackage(root, `node_modules/node-linux-${arch}`);
  if (version !== process.versions.node)
    throw new Error(`this is Node ${process.versions.node}, and ${version} goes into the executable`);
  return {
    name: program.name,
    description: program.description,
    version: manifests.at(-1)?.version ?? "",
    executableSha256: sha256(executable),
    commit,
    arch,
    packages: bundledPackages(root, bundle.files),
    asked: manifests.flatMap(({ dependencies }) => dependencies),
    node: {
      version,
      licenseText: readFileSync(path.join(root, `node_modules/node-linux-${process.arch}/LICENSE`), "utf8"),
      parts: partsOfNode(process.versions),
    },
  };
}

function manifest(file: string): { readonly version: string; readonly dependencies: readonly string[] } {
  const { version, dependencies } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return { version, dependencies: Object.keys(dependencies) };
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
