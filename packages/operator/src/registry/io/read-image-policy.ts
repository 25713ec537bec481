/** The file that says which images have to be signed. */
import { readFile } from "node:fs/promises";
import { parseImagePolicy, SignatureError, type ImagePolicy } from "@rancheros/protocol/signatures";
import { parse } from "yaml";

/** @throws SignatureError  SIGNATURE_POLICY_INVALID, also where there is no such file */
export async function readImagePolicy(path: string): Promise<ImagePolicy> {
  return parseImagePolicy(parseYaml(await readText(path), path), path);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path} cannot be read`, { cause });
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch (cause) {
    throw new SignatureError("SIGNATURE_POLICY_INVALID", `${path}: is no YAML`, { cause });
  }
}
