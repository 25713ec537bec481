/** One thing that is wrong in a cloud-config, in the form that editors jump to. */
import type { Finding } from "@rancheros/agent/cloud-config";

export function describeFinding(file: string, { line, column, severity, sentence }: Finding): string {
  return `${file}:${line}:${column}: ${severity}: ${sentence}`;
}
