/** What the Maps and Sets of a running operator hold, asked of its inspector: NODE_OPTIONS=--inspect=127.0.0.1:0 opens it. */
import type { OperatorProcess } from "./operator-process.ts";

const DEADLINE_MS = 60_000;

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

/** What stands at that place of an answer. */
function at(answer: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((value, key) => (isJson(value) ? value[key] : undefined), answer);
}

/** The protocol of Chrome's DevTools over one websocket. */
async function openInspector(url: string) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)));
  });
  let last = 0;
  return {
    close: () => socket.close(),
    ask(method: string, params: object = {}): Promise<unknown> {
      const id = (last += 1);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), DEADLINE_MS);
        socket.addEventListener("message", function heard({ data }) {
          const answer: unknown = JSON.parse(String(data));
          if (at(answer, "id") !== id) return;
          clearTimeout(timer);
          socket.removeEventListener("message", heard);
          resolve(at(answer, "result"));
        });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
  };
}

/** Runs in the operator. */
const KEYS_OF = `function(text) {
  const keysOf = (one) => { try { return [...one.keys()].filter((key) => typeof key === "string" && key.includes(text)); } catch { return []; } };
  return this.map(keysOf).filter((keys) => keys.length > 0);
}`;

/**
 * The keys in which this text stands, of each Map and each Set that is no garbage, of those that have any.
 * @throws Error where the operator was started without an inspector
 */
export async function heldKeys(operator: OperatorProcess, text: string): Promise<readonly (readonly string[])[]> {
  const url = /Debugger listening on (ws:\S+)/.exec(operator.log())?.[1];
  if (url === undefined) throw new Error("the operator has no inspector");
  const inspector = await openInspector(url);
  try {
    await inspector.ask("HeapProfiler.collectGarbage");
    const found: string[][] = [];
    for (const type of ["Map", "Set"]) {
      const prototype = await inspector.ask("Runtime.evaluate", {
        expression: `${type}.prototype`,
        objectGroup: "held",
      });
      const prototypeObjectId = at(prototype, "result", "objectId");
      const all = await inspector.ask("Runtime.queryObjects", { prototypeObjectId, objectGroup: "held" });
      const keys = await inspector.ask("Runtime.callFunctionOn", {
        objectId: at(all, "objects", "objectId"),
        functionDeclaration: KEYS_OF,
        arguments: [{ value: text }],
        returnByValue: true,
      });
      const value = at(keys, "result", "value");
      if (!Array.isArray(value)) throw new Error(`what the inspector says of each ${type}: ${JSON.stringify(keys)}`);
      found.push(...value.map((one: unknown) => (Array.isArray(one) ? one.map(String) : [])));
    }
    return found;
  } finally {
    await inspector.ask("Runtime.releaseObjectGroup", { objectGroup: "held" });
    inspector.close();
  }
}
