/** What the agent that runs says of itself to the command line: the journal, and what only it knows. */
import { AttestationMessageError, Fields } from "@rancheros/protocol/attestation";
import { STATUS_MESSAGE_MAX_CHARACTERS, WAITING_REASONS } from "@rancheros/protocol/upgrade";

import { agentState, type AgentState, type Surroundings } from "./agent-state.ts";
import { UpgradeError } from "./errors.ts";
import type { Journal, Reason } from "./journal.ts";
import { JOURNAL_MAX_BYTES, readJournal, writeJournal } from "./read-journal.ts";

const NAME_MAX = 253;
const PID_MAX = 2 ** 31;

export function agentWord(journal: Journal, surroundings: Surroundings): unknown {
  return { journal: writeJournal(journal), ...surroundings };
}

/** @throws UpgradeError UPGRADE_AGENT_SILENT for anything else */
export function readAgentWord(json: unknown): AgentState {
  try {
    return Fields.read(json, "the agent's answer", stateOf);
  } catch (cause) {
    if (!(cause instanceof AttestationMessageError) && !(cause instanceof UpgradeError)) throw cause;
    throw new UpgradeError("UPGRADE_AGENT_SILENT", "the agent that runs says nothing that makes sense", { cause });
  }
}

function stateOf(fields: Fields): AgentState {
  const journal = readJournal(fields.text("journal", JOURNAL_MAX_BYTES));
  return agentState(journal, {
    agentPid: fields.integer("agentPid", 1, PID_MAX),
    bootId: fields.text("bootId", NAME_MAX),
    node: fields.optionalObject("node", (node) => ({
      name: node.text("name", NAME_MAX),
      ready: node.flag("ready"),
      unschedulable: node.flag("unschedulable"),
    })),
    nodeTrouble: fields.optionalObject("nodeTrouble", reasonIn),
    operator: fields.optionalObject("operator", (operator) => ({
      reached: operator.optionalText("reached", NAME_MAX),
      trouble: operator.optionalText("trouble", STATUS_MESSAGE_MAX_CHARACTERS),
      waiting: operator.optionalObject("waiting", (waiting) => ({
        reason: waiting.choice("reason", WAITING_REASONS),
        message: waiting.text("message", STATUS_MESSAGE_MAX_CHARACTERS),
      })),
    })),
    trouble: fields.optionalObject("trouble", reasonIn),
  });
}

function reasonIn(fields: Fields): Reason {
  return { code: fields.text("code", NAME_MAX), message: fields.text("message", STATUS_MESSAGE_MAX_CHARACTERS) };
}
