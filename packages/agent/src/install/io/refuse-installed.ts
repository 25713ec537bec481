/** Before a registry is asked for what is to be installed: whether a disk holds an installation that is to stay. */
import { findNamed } from "../choose-disk.ts";
import { guardedDisks, whyKept } from "../guard-installed.ts";
import type { InstallSettings } from "../settings.ts";
import { listDisks } from "./list-disks.ts";
import { readInstallation } from "./read-installation.ts";

/**
 * Whoever installs looks again: here nothing is locked, and no disk chosen.
 * @throws InstallError INSTALL_DISK_INSTALLED; SlotError, and what `listDisks` throws
 */
export async function refuseInstalled(
  { rule, reinstall }: Pick<InstallSettings, "rule" | "reinstall">,
  signal: AbortSignal,
): Promise<void> {
  if (reinstall.kind === "always") return;
  const disks = await listDisks();
  const named = rule.device === undefined ? undefined : findNamed(disks, rule.device);
  const refusal = await whyKept(
    guardedDisks(disks, rule, named),
    ({ path }) => readInstallation(path, signal),
    reinstall,
  );
  if (refusal !== undefined) throw refusal;
}
