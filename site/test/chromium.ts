/** Debian's chromium, driven by playwright: no browser is downloaded. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PROGRAMS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

export async function startChromium(): Promise<Browser> {
  const program = PROGRAMS.find((one) => existsSync(one));
  if (program === undefined) throw new Error("there is no chromium: scripts/setup browser installs it");
  return chromium.launch({
    executablePath: program,
    // Root has no sandbox in chromium. No name but this machine's leads anywhere, so that nothing can be fetched unseen.
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-dev-shm-usage",
      "--disable-gpu",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
}
