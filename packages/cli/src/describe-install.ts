/** An installation in words: the disks, what becomes of one, and how far it is. */
import { sizeText, type Installation, type InstallPlan, type InstallProgress } from "@rancheros/agent/install";

const STEP_WORDS = {
  "boot-loader": "making the boot loader",
  wipe: "wiping the disk",
  divide: "dividing the disk",
  format: "making file systems",
  system: "writing the operating system",
  configuration: "writing the configuration",
  start: "installing the boot loader",
} as const;

const SLOT_WORDS = {
  format: "making the slot's file system",
  unpack: "unpacking",
  sync: "waiting for the disk",
  "read-back": "reading back",
  stamp: "closing the slot",
} as const;

/** @returns what would be lost of an installed system; undefined where there is none */
export function installedText(installed: Installation): string | undefined {
  if (installed.kind === "none") return undefined;
  return installed.kind === "whole"
    ? `an installed system (${installed.reference})`
    : `perhaps an installed system, as it cannot be told (${installed.why})`;
}

export function describeInstallPlan({ choice, layout, installed, source, kernelArguments }: InstallPlan): string {
  const { disk, judged, why } = choice;
  const rows = judged.map(({ disk: one, against }) => {
    const isChosen = one.path === disk.path;
    return [
      isChosen ? "->" : "",
      one.path,
      sizeText(one.sizeBytes),
      one.kind,
      one.model,
      isChosen ? why : (against ?? ""),
    ];
  });
  const parts = layout.partitions.map(({ name, sizeBytes }) => ["", name, sizeText(sizeBytes)]);
  const contents = [installedText(installed), ...disk.contents].filter((one) => one !== undefined);
  const lost = contents.length === 0 ? "nothing that is known" : contents.join(", ");
  return [
    ...table([["", "DISK", "SIZE", "KIND", "MODEL", ""], ...rows]),
    `${disk.path} will be erased. On it: ${lost}.`,
    ...table(parts),
    `Operating system: ${source}`,
    ...(kernelArguments === "" ? [] : [`Kernel arguments: ${kernelArguments}`]),
  ].join("\n");
}

/** Each step once, and within a long one what is a tenth further. */
export function installProgress(remark: (text: string) => void): (progress: InstallProgress) => void {
  let said = "";
  const say = (text: string): void => {
    if (text !== said) remark(text);
    said = text;
  };
  return (progress) => {
    if (!("slot" in progress)) {
      say(STEP_WORDS[progress.step]);
      return;
    }
    const { slot } = progress;
    if ("layer" in slot) {
      const { layer, doneBytes, sizeBytes } = slot;
      const far =
        sizeBytes === undefined ? sizeText(Math.floor(doneBytes / 2 ** 26) * 2 ** 26) : tenths(doneBytes, sizeBytes);
      say(`${SLOT_WORDS.unpack} ${layer}: ${far}`);
    } else if ("files" in slot) say(`${SLOT_WORDS["read-back"]}: ${tenths(slot.doneFiles, slot.files)}`);
    else say(SLOT_WORDS[slot.step]);
  };
}

function tenths(done: number, all: number): string {
  return `${all === 0 ? 100 : Math.floor((10 * done) / all) * 10} %`;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
