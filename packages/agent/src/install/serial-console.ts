/** Consoles as the kernel's command line names them. Source: Linux, Documentation/admin-guide/serial-console.rst */
import { kernelWords } from "../slots/index.ts";

const SPEED_DEFAULT = 9600;

/** The serial console that GRUB talks to as well; undefined where there is none. */
export function serialConsole(kernelArguments: string): { readonly unit: number; readonly speed: number } | undefined {
  for (const [name, value = ""] of kernelWords(kernelArguments)) {
    if (name !== "console") continue;
    const [, unit, speed] = /^ttyS(\d)(?:,(\d+))?/.exec(value) ?? [];
    if (unit !== undefined) return { unit: Number(unit), speed: speed === undefined ? SPEED_DEFAULT : Number(speed) };
  }
  return undefined;
}

/** What an installed system takes over of the command line of the live one: where it talks. */
export function consoleArguments(commandLine: string): string {
  const words = kernelWords(commandLine).filter(
    ([name, value]) => name === "console" && /^[\w,.-]+$/.test(value ?? ""),
  );
  return [...new Set(words.map(([name, value]) => `${name}=${value ?? ""}`))].join(" ");
}
