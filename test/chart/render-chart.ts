/** What the chart is rendered to, as objects. */
import { parseAllDocuments } from "yaml";
import { CHART, helm, type HelmMajor } from "./helm.ts";

export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly values?: object;
}

/** The chart does not change while tests run, and each look at it costs a process. */
const rendered = new Map<string, Promise<string>>();

/** @throws HelmError  where the values are refused */
export async function renderText({ name, namespace, values = {} }: Release, major: HelmMajor = 4): Promise<string> {
  const key = JSON.stringify([name, namespace, values, major]);
  const text = rendered.get(key) ?? helm(["template", name, CHART, `--namespace=${namespace}`], { values, major });
  rendered.set(key, text);
  return text;
}

/** What helm says when the chart is installed, in a cluster of which it knows nothing. */
export async function renderNotes({ name, namespace, values = {} }: Release): Promise<string> {
  const said = await helm(["install", name, CHART, `--namespace=${namespace}`, "--dry-run=client"], { values });
  const [, notes] = said.split(/^NOTES:\n/m);
  if (notes === undefined) throw new Error("helm says no notes");
  return notes;
}

/** @throws HelmError  where the values are refused */
export async function renderChart(release: Release, major: HelmMajor = 4): Promise<readonly RenderedObject[]> {
  const documents = parseAllDocuments(await renderText(release, major));
  return [...documents].flatMap((document): readonly RenderedObject[] => {
    if (document.errors.length > 0) throw new Error(`the chart's YAML is broken: ${String(document.errors[0])}`);
    const object = document.toJS() as RenderedObject | null;
    return object === null ? [] : [object];
  });
}

/** The one object of this kind and name. */
export function objectOf(objects: readonly RenderedObject[], kind: string, name?: string): RenderedObject {
  const found = objects.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  const [object] = found;
  if (object === undefined || found.length > 1) throw new Error(`${found.length} objects ${kind} ${name ?? ""}`);
  return object;
}
