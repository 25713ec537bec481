/** rancherd's configuration for people. */
import type { CollectedConfig, Leaf } from "@rancheros/agent/rancherd";

export interface RancherdText {
  readonly text: string;
  /** For stderr. */
  readonly notes: readonly string[];
}

export async function describeRancherd(
  config: unknown,
  values: readonly Leaf[],
  { read, skipped, remarks, asksRemote }: CollectedConfig,
  withOrigin: boolean,
): Promise<RancherdText> {
  const notes = [
    ...skipped.map(({ path, why, fatal }) => `${path} ${fatal ? "ends rancherd" : "is passed over"}: ${why}`),
    ...remarks.map(
      ({ origin, sentence, kind }) => `${origin}: ${sentence}${kind === "fatal" ? "; rancherd ends" : ""}`,
    ),
  ];
  if (read.length === 0) notes.push("No configuration of rancherd is there: rancherd does nothing.");
  if (asksRemote) notes.push("server and token are set, and role is not: rancherd asks the server for the rest.");
  if (values.length === 0) return { text: "", notes };
  if (withOrigin) return { text: originTable(values), notes };
  const { stringify } = await import("yaml");
  return { text: stringify(config, { lineWidth: 0 }), notes };
}

function originTable(values: readonly Leaf[]): string {
  const rows = values.map(({ path, value, origin }) => [`${path}: ${JSON.stringify(value)}`, origin] as const);
  const width = Math.min(60, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, origin]) => `${left.padEnd(width)}  # ${origin}\n`).join("");
}
