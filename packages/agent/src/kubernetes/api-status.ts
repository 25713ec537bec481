/** What an API server says when it refuses: the Status object of meta/v1. */
import { isMap } from "./is-map.ts";

export interface StatusCause {
  /** For example DisruptionBudget or NamespaceTerminating. */
  readonly reason: string;
  readonly message: string;
}

export interface ApiStatus {
  readonly httpStatus: number;
  /** For example NotFound; empty where there was no Status object. */
  readonly reason: string;
  /** On one line, bounded; empty where there was none. */
  readonly message: string;
  readonly causes: readonly StatusCause[];
}

const MAX_TEXT_CHARACTERS = 2_000;
const MAX_CAUSES = 20;

/** @param body  the answer's parsed JSON; undefined where it was none */
export function readStatus(httpStatus: number, body: unknown): ApiStatus {
  const none = { httpStatus, reason: "", message: "", causes: [] };
  if (!isMap(body) || body["kind"] !== "Status") return none;
  const details = body["details"];
  const causes = isMap(details) && Array.isArray(details["causes"]) ? details["causes"].slice(0, MAX_CAUSES) : [];
  return {
    httpStatus,
    reason: text(body["reason"]),
    message: text(body["message"]),
    causes: causes.filter(isMap).map((cause) => ({ reason: text(cause["reason"]), message: text(cause["message"]) })),
  };
}

/** Text of the other side: on one line, bounded, and unable to move the terminal's cursor. */
export function text(value: unknown): string {
  if (typeof value !== "string") return "";
  const oneLine = value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return oneLine.length > MAX_TEXT_CHARACTERS ? `${oneLine.slice(0, MAX_TEXT_CHARACTERS)}...` : oneLine;
}
