/** The policies of this machine about signed images. */
import { parseImagePolicy, SignatureError, type ImagePolicy } from "@rancheros/protocol/signatures";
import { parse } from "yaml";

import { rootFiles, type RootFiles } from "../../files/index.ts";

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
  // Links are followed below the machine's root: ours may have another file where they lead.
  const files = rootFiles(hostRoot);
  for (const file of POLICY_FILES) {
    const text = await readText(files, file);
    if (text !== undefined) policies.push(parseImagePolicy(parseYaml(text, file), file));
  }
  return policies;
}

async function readText(files: RootFiles, path: string): Promise<string | undefined> {
  let content: Buffer | undefined;
  try {
    content = (await files.read(path))?.content;
    if (content === undefined) await refuseLinkToNowhere(files, path);
  } catch (cause) {
    if (cause instanceof SignatureError) throw cause;
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path} cannot be read`, { cause });
  }
  if (content === undefined) return undefined;
  if (content.length <= MAX_BYTES) return content.toString("utf8");
  throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path} has more than ${MAX_BYTES} bytes`);
}

/** Behind a link to a disk that is not mounted there may be a policy. */
async function refuseLinkToNowhere(files: RootFiles, path: string): Promise<void> {
  const parts = path.split("/");
  for (let count = 2; count <= parts.length; count += 1) {
    const place = parts.slice(0, count).join("/");
    if ((await files.kind(place)) !== "link") continue;
    // What ends the path is no folder, and was not to be read.
    if (count < parts.length && (await files.list(place)) !== undefined) continue;
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path} cannot be read: ${place} leads nowhere`);
  }
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch (cause) {
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${file}: is no YAML`, { cause });
  }
}
