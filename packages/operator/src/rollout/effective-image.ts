/** A ManagedOSImage with what the ManagedOSVersion that it names, and Rancher's default registry, say put in its place. */
import { namesHost } from "@rancheros/protocol/images";
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { readVersion, type VersionFacts, type VersionLookup } from "../versions/index.ts";
import { canonicalJson } from "./plan-id.ts";

/** What is said to be the registry of images that name none, and is no registry: a sentence says so. */
export interface UnusableRegistry {
  readonly problem: string;
}

export interface EffectiveImage {
  /** As the API server has it. */
  readonly source: ManagedOSImage;
  /** With osImage, and upgradeContainer where it names none itself, of the version. */
  readonly object: ManagedOSImage;
  readonly version: VersionFacts | undefined;
  /** Another text where the version or the registry says something else; "" where neither does. */
  readonly versionId: string;
  readonly problems: readonly string[];
}

/** Undefined where osImage says it: it wins. */
export function namedVersion({ spec }: ManagedOSImage): string | undefined {
  return spec.osImage === undefined || spec.osImage === "" ? spec.managedOSVersionName || undefined : undefined;
}

/** @param registry  of an osImage that names none; undefined where that is docker.io's */
export function effectiveImage(
  source: ManagedOSImage,
  versions: VersionLookup,
  registry?: string | UnusableRegistry,
): EffectiveImage {
  const effective = withVersion(source, versions);
  const { osImage } = effective.object.spec;
  if (registry === undefined || !osImage || namesHost(osImage)) return effective;
  const { object, versionId, problems } = effective;
  const of = (image: string) => ({ ...object, spec: { ...object.spec, osImage: image } });
  if (typeof registry === "string") {
    return { ...effective, object: of(`${registry}/${osImage}`), versionId: `${versionId}@${registry}` };
  }
  return {
    ...effective,
    object: of(knownImage(source, osImage)),
    versionId: `${versionId}@${registry.problem}`,
    problems: [...problems, registry.problem],
  };
}

/** With the registry that it was found in last: nothing new begins, and what is under way goes on. */
function knownImage({ status }: ManagedOSImage, osImage: string): string {
  const known = status?.resolvedImage ?? "";
  return namesHost(known) && known.endsWith(`/${osImage}`) ? known : osImage;
}

function withVersion(source: ManagedOSImage, versions: VersionLookup): EffectiveImage {
  const name = namedVersion(source);
  if (name === undefined) return { source, object: source, version: undefined, versionId: "", problems: [] };
  const { metadata, status } = source;
  // Somebody has deleted it: the rollout goes on with what it began with.
  const kept = status?.version?.name === name ? status.version.spec : undefined;
  const found = versions.find(metadata.namespace, name) ?? kept;
  const field = "spec.managedOSVersionName";
  const refused = (message: string): EffectiveImage => ({
    source,
    object: source,
    version: undefined,
    versionId: message,
    problems: [`${field}: ${message}`],
  });
  if (found === undefined) return refused(`there is no ManagedOSVersion ${metadata.namespace}/${name}`);
  const reading = readVersion(found);
  if (reading.ok) return { ...aboutVersion(source, reading.facts), versionId: canonicalJson(found), problems: [] };
  const unread = refused(`ManagedOSVersion ${name}: ${reading.message}`);
  // Somebody has made it of no use: nothing new begins, and what is under way goes on with what it began with.
  const before = kept === undefined ? undefined : readVersion(kept);
  if (before?.ok !== true) return unread;
  return {
    ...aboutVersion(source, before.facts),
    versionId: `${unread.versionId}@${canonicalJson(kept)}`,
    problems: unread.problems,
  };
}

function aboutVersion(
  source: ManagedOSImage,
  facts: VersionFacts,
): Pick<EffectiveImage, "source" | "object" | "version"> {
  const { spec } = source;
  const upgradeContainer = spec.upgradeContainer ?? facts.upgradeContainer;
  const object = {
    ...source,
    spec: { ...spec, osImage: facts.image, ...(upgradeContainer === undefined ? {} : { upgradeContainer }) },
  };
  return { source, object, version: facts };
}
