/** The script by which zsh completes command lines of ros-agent. */
import type { ArgumentDescription, CommandDescription, FlagDescription } from "./command-description.ts";
import { wordsOf } from "./command-words.ts";

const LISTED: Readonly<Record<string, string>> = { FILE: "_files", FOLDER: "_files -/" };

/** Source: zsh manual, "Completion Functions", _arguments and _describe */
export function zshCompletion(commands: readonly CommandDescription[], helpTopics: readonly string[]): string {
  const { words, topics } = wordsOf(commands);
  const summaryOf = (word: string): string => commands.find(({ name }) => name === word)?.summary ?? "";
  return `#compdef ros-agent
# ros-agent completion zsh: put this file as _ros-agent into a folder of $fpath.
_ros-agent() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${words.map((word) => `    ${quoted(`${word}:${summaryOf(word)}`)}`).join("\n")}
    ${quoted("help:Describe a command.")}
  )
  _arguments -C '1:command:->command' '*::argument:->arguments' && return 0
  case "$state" in
    command) _describe -t commands command commands ;;
    arguments)
${[...topics].map(([topic, second]) => topicLines(topic, second)).join("\n")}
      case "$words[1]" in
        help) _arguments ${quoted(`1:command:(${[...words, ...helpTopics].join(" ")})`)} ;;
${commands.map((command) => commandCase(command)).join("\n")}
      esac ;;
  esac
}
if [[ "$funcstack[1]" == _ros-agent ]]; then _ros-agent "$@"; else compdef _ros-agent ros-agent; fi
`;
}

/** Completes the second word of a command of two, and makes the two one afterwards. */
function topicLines(topic: string, second: readonly string[]): string {
  return `      if [[ "$words[1]" == ${topic} ]]; then
        ((CURRENT == 2)) && compadd ${second.join(" ")} && return 0
        words=("$words[1] $words[2]" "\${(@)words[3,-1]}") CURRENT=$((CURRENT - 1))
      fi`;
}

function commandCase({ name, args, flags }: CommandDescription): string {
  const specs = [
    ...flags.flatMap((flag) => flagSpecs(flag)),
    "--help[Describe this command.]",
    ...args.map((arg, index) => argumentSpec(arg, index)),
  ];
  return `        ${quoted(name)}) _arguments ${specs.map((spec) => quoted(spec)).join(" ")} ;;`;
}

function flagSpecs({ name, char, description, value }: FlagDescription): readonly string[] {
  const explained = `[${description.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]`;
  if (value === undefined) return [`--${name}${explained}`, ...(char === undefined ? [] : [`-${char}${explained}`])];
  const action = value.options.length > 0 ? `(${value.options.join(" ")})` : (LISTED[value.name] ?? " ");
  const rest = `${explained}:${value.name}:${action}`;
  return [`--${name}=${rest}`, ...(char === undefined ? [] : [`-${char}+${rest}`])];
}

function argumentSpec({ name, required, options }: ArgumentDescription, index: number): string {
  const other = /^file\d*$/.test(name) ? "_files" : " ";
  const action = options.length > 0 ? `(${options.join(" ")})` : other;
  return `${index + 1}:${required ? "" : ":"}${name.toUpperCase()}:${action}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
