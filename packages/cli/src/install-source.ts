/** What is installed: an image by its digest, a folder, or the live system itself. */
import { findLiveRoot, InstallError, liveSource, treeBytes, type InstallSettings } from "@rancheros/agent/install";
import {
  NO_REGISTRIES,
  nodePlatform,
  openImage,
  parsePinnedImage,
  readPolicies,
  readRegistries,
  resolveTag,
} from "@rancheros/agent/images";
import { imageSource, type SystemSource } from "@rancheros/agent/slots";

import { requireFile } from "./check-paths.ts";
import type { InstallRun } from "./install-flags.ts";

export interface InstallSource {
  readonly source: SystemSource;
  /** What it takes on a disk, rather too much. */
  readonly systemBytes: number;
}

/** How much more an image is than its compressed layers. */
const UNPACKED = 3.5;
const PATIENCE_MS = 600_000;

/** @throws InstallError INSTALL_NO_SOURCE; CliError CLI_FILE_UNREADABLE; ImagePullError, ImageReferenceError */
export async function installSource(
  { flags, surroundings, remark }: InstallRun,
  { osImage }: InstallSettings,
): Promise<InstallSource> {
  const { signal } = surroundings;
  const folder = flags.source ?? (osImage === undefined ? findLiveRoot() : undefined);
  if (folder !== undefined) return { source: liveSource(folder), systemBytes: await treeBytes(folder) };
  if (osImage === undefined)
    throw new InstallError("INSTALL_NO_SOURCE", "no image is named, and this is no live system");
  await requireFile("registries", flags.registries);
  const registries = flags.registries === undefined ? NO_REGISTRIES : await readRegistries(flags.registries);
  // Whatever the tag names later, this is what is installed.
  const { reference } = await resolveTag({ reference: osImage, registries, account: undefined, signal });
  const image = parsePinnedImage(reference);
  // Of the live system: what it brings along is what its image's maker wants.
  const policies = await readPolicies("/");
  for (const warning of policies.flatMap(({ warnings }) => warnings)) remark(warning);
  const opened = await openImage({
    image,
    platform: nodePlatform(process.arch),
    registries,
    policies,
    accounts: [],
    bytesPerSecond: undefined,
    patienceMs: PATIENCE_MS,
    signal,
    onEvent(event) {
      if (event.kind === "retry") remark(`${event.error.message} (${event.error.code}); trying again`);
      if (event.kind === "signed") remark(`${image.name} is signed: ${event.by}`);
      if (event.kind === "unsigned") {
        remark(`${event.error.message} (${event.error.code}); it is let in, as the policy only warns`);
      }
    },
  });
  return { source: imageSource(image, opened), systemBytes: Math.ceil(opened.description.transferBytes * UNPACKED) };
}
