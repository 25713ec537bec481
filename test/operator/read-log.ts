/** What an operator's log says. */

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export function readLog(text: string): readonly LogLine[] {
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as LogLine] : []));
}

/** What troubles the operator; that a machine was refused is the audit log's. */
export function complaints(text: string): readonly LogLine[] {
  return readLog(text).filter((line) => /^(warn|error)$/.test(line.level) && line["result"] === undefined);
}
