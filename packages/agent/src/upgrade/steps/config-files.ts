/**
 * The files that the cloud config of an upgrade names, as they were before its slot was tried: the operating system from before
 * goes on with those, and not with what is meant for the new one. What somebody has written there since stays.
 */
import { isCodedError } from "@rancheros/protocol/errors";

import { formatKeptFiles, KEPT_MAX_BYTES, parseKeptFiles, type FileBefore, type KeptFile } from "../kept-files.ts";
import type { ConfigFilesPort } from "../ports.ts";

type Log = (message: string) => void;

/** As long as the slot has not been tried it can be repeated. @param config  other tools apply also one that is not all right */
export async function keepConfigFiles(port: ConfigFilesPort, config: string, log: Log): Promise<void> {
  const kept: KeptFile[] = [];
  let bytes = 0;
  const { files, wrong } = await port.named(config);
  if (wrong !== undefined) {
    log(
      `the cloud config is wrong at line ${wrong.line}: ${wrong.sentence}; only files that can be made out in it are kept`,
    );
  }
  for (const path of new Set(files.map((file) => file.path))) {
    await remark(log, `${path} is not kept for the case that the slot is not good`, async () => {
      const kind = await port.kind(path);
      if (kind !== undefined && kind !== "file") return;
      const found = await port.read(path);
      const size = found?.content.byteLength ?? 0;
      if (bytes + size > KEPT_MAX_BYTES) return log(`${path} is too large to be kept until the slot is found good`);
      bytes += size;
      kept.push({ path, before: found });
    });
  }
  if (kept.length === 0) return;
  await remark(log, "no file is kept for the case that the slot is not good", () =>
    port.writeKept(formatKeptFiles(kept)),
  );
}

/**
 * Those which are still as the config has made them. Where one of them cannot be put back, what was kept stays for a person to do it.
 * Can be repeated.
 * @param config  with which the slot was tried
 */
export async function putConfigFilesBack(port: ConfigFilesPort, config: string, log: Log): Promise<void> {
  let isWhole = true;
  const lacking: Log = (message) => {
    isWhole = false;
    log(message);
  };
  await remark(lacking, "the files from before are not put back", () => putAllBack(port, config, lacking));
  if (isWhole) return;
  await remark(log, "what was kept of them is lost", async () => {
    // No disk is too full for that.
    log(`the files from before are in ${await port.keepAside()}, their content in base64`);
  });
}

async function putAllBack(port: ConfigFilesPort, config: string, log: Log): Promise<void> {
  const record = await port.readKept();
  if (record === undefined) return;
  const made = new Map((await port.named(config)).files.map(({ path, content }) => [path, content]));
  for (const kept of parseKeptFiles(record)) {
    const content = made.get(kept.path);
    if (content === undefined) continue;
    await remark(log, `${kept.path} is not put back`, () => putBack(port, kept, content));
  }
}

async function putBack(port: ConfigFilesPort, { path, before }: KeptFile, made: Buffer): Promise<void> {
  if ((await port.kind(path)) !== "file") return;
  const found = await port.read(path);
  if (found?.content.equals(made) !== true || isSame(found, before)) return;
  await (before === undefined ? port.remove(path) : port.replace({ path, ...before }));
}

/** Permissions and owner are the config's too. */
function isSame(found: NonNullable<FileBefore>, before: FileBefore): boolean {
  if (before?.content.equals(found.content) !== true) return false;
  return found.mode === before.mode && found.uid === before.uid && found.gid === before.gid;
}

export async function forgetConfigFiles(port: ConfigFilesPort): Promise<void> {
  await port.writeKept(undefined);
}

/** One file that cannot be had keeps nobody from the others, nor the machine from its upgrade. */
async function remark(log: Log, what: string, does: () => Promise<void>): Promise<void> {
  try {
    await does();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    log(`${what}: ${error.message} (${error.code})`);
  }
}
