/** An answer over plain HTTP, as data. */

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A refusal or a remark: one sentence, as Go's http.Error sends it, which is what rancherd prints. */
export function sentence(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    body: `${text}\n`,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...headers },
  };
}

/** Data. */
export function data(body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, body, headers: { "content-type": "text/plain; charset=utf-8", ...headers } };
}

export const NOT_FOUND = sentence(
  404,
  "not found: machines are served at /v1-rancheros/{registration/TOKEN,inventory,cacerts}",
);
export const BAD_HANDSHAKE = sentence(400, "this is no websocket handshake of version 13", {
  "sec-websocket-version": "13",
});
export const ONLY_GET = sentence(405, "only GET is served here", { allow: "GET" });
