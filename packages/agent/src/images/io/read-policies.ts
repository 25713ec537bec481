/** The policies of this machine about signed images. */
import { open } from "node:fs/promises";
import { parseImagePolicy, SignatureError, type ImagePolicy } from "@rancheros/protocol/signatures";
import { parse } from "yaml";

/** Of the image of the operating system, and of whoever looks after the machine; each counts, and none undoes the other. */
export const POLICY_FILES = [
  "/usr/lib/rancheros/image-policy.yaml",
  "/etc/rancher/rancheros/image-policy.yaml",
] as const;
const MAX_BYTES = 1024 * 1024;

/**
 * @param hostRoot  where the machine's / is
 * @returns those that are there; none means that nothing has to be signed
 * @throws SignatureError  SIGNATURE_POLICY_INVALID: what cannot be read must not count as nothing
 */
export async function readPolicies(hostRoot: string): Promise<readonly ImagePolicy[]> {
  const policies: ImagePolicy[] = [];
  for (const file of POLICY_FILES) {
    const text = await readText(`${hostRoot.replace(/\/+$/, "")}${file}`);
    if (text !== undefined) policies.push(parseImagePolicy(parseYaml(text, file), file));
  }
  return policies;
}

async function readText(path: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readSome(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path} cannot be read`, { cause });
  }
  if (bytes.length <= MAX_BYTES) return bytes.toString("utf8");
  throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path} has more than ${MAX_BYTES} bytes`);
}

/** One byte more than there may be, where there are so many. */
async function readSome(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch (cause) {
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${file}: is no YAML`, { cause });
  }
}
