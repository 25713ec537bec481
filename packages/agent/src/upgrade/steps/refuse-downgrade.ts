/** Nobody gets an older operating system by mistake. */
import { UpgradeError } from "../errors.ts";
import { isDowngrade, type Release } from "../release.ts";

/** @throws UpgradeError UPGRADE_DOWNGRADE */
export function refuseDowngrade(running: Release | undefined, image: Release | undefined): void {
  if (running === undefined || image === undefined || !isDowngrade(running, image)) return;
  const message = `the image holds version ${image.version ?? ""}, and ${running.version ?? ""} runs`;
  throw new UpgradeError("UPGRADE_DOWNGRADE", message);
}
