/** What scripts/build-operator-image runs, after the operator's executable was made. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { imageMaterials } from "./image-materials.ts";
import { ociArchive } from "./oci-archive.ts";
import { debianPackage, sharedLibraries } from "./shared-libraries.ts";
import { tarArchive, withFolders, type TarEntry } from "./tar-archive.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NAME = "rancheros-operator";
/** As distroless images have it: nobody else's, and not in any host's range. */
const USER = 65_532;
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

function file(name: string, content: string | Buffer, mode = 0o644): TarEntry {
  return { path: name.replace(/^\//, ""), mode, content: Buffer.from(content) };
}

/** Node has its own list of public CAs, so there is none here; names are looked up in /etc/hosts and by DNS. */
function accounts(): readonly TarEntry[] {
  return [
    file("etc/passwd", `root:x:0:0:root:/:/sbin/nologin\noperator:x:${USER}:${USER}::/nonexistent:/sbin/nologin\n`),
    file("etc/group", `root:x:0:\noperator:x:${USER}:\n`),
    file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
  ];
}

/** Whole or not at all. */
function write(name: string, content: string | Buffer): void {
  writeFileSync(`${name}.new`, content);
  renameSync(`${name}.new`, name);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      executables: { type: "string" },
      out: { type: "string" },
      name: { type: "string" },
      rootfs: { type: "string" },
    },
  });
  const executables = path.resolve(values.executables ?? path.join(ROOT, "dist"));
  const out = path.resolve(values.out ?? path.join(ROOT, "dist"));
  mkdirSync(out, { recursive: true });
  const executable = path.join(executables, NAME);
  const { version } = JSON.parse(readFileSync(path.join(ROOT, "packages/operator/package.json"), "utf8")) as {
    readonly version: string;
  };
  const name = values.name ?? `docker.io/rancher/${NAME}:v${version}`;
  const libraries = await sharedLibraries(executable);
  const packages = await Promise.all(
    [...new Set(libraries.map(({ packageName }) => packageName))].sort().map((one) => debianPackage(one)),
  );
  const base = withFolders([
    ...accounts(),
    ...libraries.map((library) => file(library.path, library.content, 0o755)),
    ...packages.map((one) => file(`usr/share/doc/${one.name}/copyright`, one.copyright)),
  ]);
  const program = withFolders([file(`usr/bin/${NAME}`, readFileSync(executable), 0o755)]);
  const operatorMaterials: unknown = JSON.parse(readFileSync(`${executable}.cdx.json`, "utf8"));
  const { materials, commit } = imageMaterials(operatorMaterials, packages);

  const target = path.join(out, `${NAME}-image`);
  const inputs = createHash("sha256").update(JSON.stringify([name, commit, materials]));
  for (const entry of [...base, ...program]) inputs.update(entry.path).update(entry.content ?? "");
  for (const source of ["main.ts", "oci-archive.ts", "tar-archive.ts"]) {
    inputs.update(readFileSync(path.join(import.meta.dirname, source)));
  }
  const stamp = inputs.digest("hex");
  const known = path.join(out, `.${NAME}-image.inputs`);
  const isThere = [`${target}.tar`, `${target}.cdx.json`, known].every((one) => existsSync(one));
  if (!isThere || readFileSync(known, "utf8") !== stamp) {
    const { archive, digest } = ociArchive({
      architecture: GO_ARCHITECTURES[process.arch] ?? process.arch,
      name,
      user: `${USER}:${USER}`,
      entrypoint: [`/usr/bin/${NAME}`],
      labels: {
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
        ...(commit === "" ? {} : { "org.opencontainers.image.revision": commit }),
      },
      layers: [
        { tar: tarArchive(base), comment: `libraries of ${packages.map((one) => one.name).join(", ")}; accounts` },
        { tar: tarArchive(program), comment: NAME },
      ],
    });
    write(`${target}.tar`, archive);
    write(`${target}.digest`, `${digest}\n`);
    write(`${target}.cdx.json`, `${JSON.stringify(materials, null, 2)}\n`);
    write(known, stamp);
  }
  if (values.rootfs !== undefined) {
    const twice = new Set(base.map((entry) => entry.path));
    write(values.rootfs, tarArchive([...base, ...program.filter((entry) => !twice.has(entry.path))]));
  }
  process.stderr.write(`${target}.tar is ${name}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`build-operator-image: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
