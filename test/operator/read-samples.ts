/** Reads /metrics as Prometheus does. */

export interface Sample {
  /** As it stands there: of a histogram with _bucket, _sum or _count. */
  readonly name: string;
  /** The metric that it belongs to. */
  readonly family: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** @param healthUrl  of the operator, without a path */
export async function readSamples(healthUrl: string): Promise<readonly Sample[]> {
  const answer = await fetch(`${healthUrl}/metrics`, { signal: AbortSignal.timeout(10_000) });
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
  let family = "";
  return (await answer.text()).split("\n").flatMap((line) => {
    if (line.startsWith("# TYPE ")) family = line.split(" ")[2] ?? "";
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) return [];
    const [, name = "", text = "", value = ""] = match;
    const labels = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((one) => [one[1] ?? "", one[2] ?? ""] as const);
    return [{ name, family, labels: Object.fromEntries(labels), value: Number(value) }];
  });
}
