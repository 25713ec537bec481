/** The script by which bash completes command lines of ros-agent. It needs no package of completions. */
import type { ArgumentDescription, CommandDescription, FlagDescription } from "./command-description.ts";
import { wordsOf } from "./command-words.ts";

/** What bash itself can list, by what a flag's value is called. */
const LISTED: Readonly<Record<string, string>> = { FILE: "_ros_agent_paths -f", FOLDER: "_ros_agent_paths -d" };

/** Names of arguments that are files, of which some commands take several. */
const FILE_ARGUMENT = /^file\d*$/;

/**
 * bash gives `--flag=value` as three words, of which the second is "="; the name of a flag before it counts as for
 * `--flag value`. Names of files go into COMPREPLY line by line, as they may have blanks.
 */
export function bashCompletion(commands: readonly CommandDescription[], helpTopics: readonly string[]): string {
  const { words, topics } = wordsOf(commands);
  return `# ros-agent completion bash: source this file, or put it into /etc/bash_completion.d/
_ros_agent_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}
_ros_agent_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
_ros_agent() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before=$((COMP_CWORD - 1)) command="\${COMP_WORDS[1]}" previous word
  COMPREPLY=()
  if [[ "$current" == "=" ]]; then
    current=""
  elif [[ "\${COMP_WORDS[before]}" == "=" ]]; then
    before=$((before - 1))
  fi
  previous="\${COMP_WORDS[before]}"
  if ((COMP_CWORD == 1)); then
    _ros_agent_words "${["help", ...words].join(" ")}"
    return
  fi
  case "$command" in
${[...topics].map(([topic, second]) => topicCase(topic, second)).join("\n")}
  esac
  for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
    [[ "$word" != "--" ]] || return 0
  done
  case "$command $previous" in
${commands.flatMap(({ name, flags }) => flags.flatMap((flag) => valueCase(name, flag))).join("\n")}
  esac
  case "$command" in
    help) _ros_agent_words "${[...words, ...helpTopics].join(" ")}" ;;
${commands.map((command) => commandCase(command)).join("\n")}
  esac
}
complete -F _ros_agent ros-agent
`;
}

/** Completes the second word of a command of two, and makes the two one afterwards. */
function topicCase(topic: string, second: readonly string[]): string {
  const list = `((COMP_CWORD == 2)) && _ros_agent_words "${second.join(" ")}" && return 0`;
  return `    ${topic}) ${list}; command+=" \${COMP_WORDS[2]}" ;;`;
}

function valueCase(command: string, { name, char, value }: FlagDescription): readonly string[] {
  if (value === undefined) return [];
  const patterns = [`"${command} --${name}"`, ...(char === undefined ? [] : [`"${command} -${char}"`])];
  const list = value.options.length > 0 ? `_ros_agent_words "${value.options.join(" ")}"` : LISTED[value.name];
  return [`    ${patterns.join(" | ")}) ${list === undefined ? "" : `${list} && `}return 0 ;;`];
}

function commandCase({ name, args, flags }: CommandDescription): string {
  const dashed = `_ros_agent_words "${["--help", ...flags.map((flag) => `--${flag.name}`)].join(" ")}"`;
  const options = args.flatMap((arg: ArgumentDescription) => arg.options).join(" ");
  const list = args.some((arg) => FILE_ARGUMENT.test(arg.name)) ? LISTED["FILE"] : `_ros_agent_words "${options}"`;
  const other = list === '_ros_agent_words ""' ? "" : ` || ${list}`;
  return `    "${name}") [[ "$current" == -* ]] && ${dashed}${other} ;;`;
}
