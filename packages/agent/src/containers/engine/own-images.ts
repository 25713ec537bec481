/** Images in docker, podman or nerdctl that carry this program's tag: how they get it, and how they go. */
import { pinnedImageNamed, type PinnedImage } from "../../images/index.ts";
import type { ImageRemoval, RemoveImageCall } from "../driver.ts";
import type { ToolOutcome } from "../io/run-tool.ts";
import { imageOfMarkTag, markTag } from "../mark.ts";
import { toolFailure } from "../tool-failure.ts";
import { imageId, repoDigestNames, repoTags, saysNoSuchThing } from "./engine-answers.ts";
import type { EngineKind } from "./engine-arguments.ts";
import { storedName } from "./engine-pull.ts";

/** Runs the engine's program with its place. */
export type RunEngine = (
  args: readonly string[],
  more?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
) => Promise<ToolOutcome>;

const SLOW_TIMEOUT_MS = 600_000;

/** docker's images have the tag as their only name. @throws ContainerError */
export async function markImage(kind: EngineKind, run: RunEngine, image: PinnedImage): Promise<void> {
  const ended = await run(["tag", storedName(kind, image), markTag(image)]);
  if (ended.kind !== "ok") throw toolFailure(`marking ${image.name}`, ended);
}

/** @throws ContainerError */
export async function ownImages(run: RunEngine, signal: AbortSignal): Promise<readonly PinnedImage[]> {
  const ended = await run(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], { signal });
  if (ended.kind !== "ok") throw toolFailure("listing own images", ended);
  return ended.stdout
    .toString("utf8")
    .split("\n")
    .flatMap((line) => imageOfMarkTag(line.trim()) ?? []);
}

/** @throws ContainerError */
export async function removeImage(kind: EngineKind, run: RunEngine, call: RemoveImageCall): Promise<ImageRemoval> {
  const { image, isClaimed, signal } = call;
  const what = `removing the image ${image.name}`;
  const read = async (args: readonly string[]): Promise<string | undefined> => {
    const ended = await run(args, { signal });
    if (ended.kind === "ok") return ended.stdout.toString("utf8");
    if (ended.kind === "failed" && saysNoSuchThing(ended.stderr)) return undefined;
    throw toolFailure(what, ended);
  };
  const tag = markTag(image);
  const own = storedName(kind, image);
  const marked = await read(["image", "inspect", tag]);
  const found = marked ?? (await read(["image", "inspect", own]));
  if (found === undefined) return "absent";
  const isMarked = marked !== undefined;
  if (!isMarked && !isClaimed) return "foreign";
  // By its id, podman and docker know them under whatever name they were made of; nerdctl goes by the name.
  const ancestors = [imageId(found), own, ...(isMarked ? [tag] : [])];
  const filters = ancestors.flatMap((ancestor) => ["--filter", `ancestor=${ancestor}`]);
  const users = await read(["ps", "--all", "--quiet", ...filters]);
  // Its mark stays: it goes another time.
  if ((users ?? "").trim() !== "") return "in-use";
  // Of Docker Hub's images docker and nerdctl tell no host.
  const isAlone = repoTags(found).every((one) => imageOfMarkTag(one)?.name === image.name);
  // Names with a digest come with a tag too: they are somebody's where the tag is.
  const digestNames = isAlone ? repoDigestNames(found).filter((one) => isOwnDigestName(one, image)) : [];
  for (const name of [...digestNames, ...(isMarked ? [tag] : [])]) {
    const ended = await run(["rmi", name], { timeoutMs: SLOW_TIMEOUT_MS });
    if (ended.kind === "ok" || (ended.kind === "failed" && saysNoSuchThing(ended.stderr))) continue;
    throw toolFailure(what, ended);
  }
  return "removed";
}

/** As it was pulled, or as docker noted the relay of this program. */
function isOwnDigestName(name: string, { name: own, repository, digest }: PinnedImage): boolean {
  return (
    pinnedImageNamed(name)?.name === own ||
    (/^127\.0\.0\.1:\d+\//.test(name) && name.endsWith(`/${repository}@${digest}`))
  );
}
