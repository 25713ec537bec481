/** What can go wrong with files below a machine's root. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

export type FilesErrorCode =
  | "FILES_FOLDER_SHARED"
  | "FILES_PATH_TOO_LONG"
  | "FILES_TOO_LARGE"
  | "FILES_UNREADABLE"
  | "FILES_UNSAVED"
  | "FILES_UNSAFE";

export const FILES_ERRORS = {
  FILES_FOLDER_SHARED: {
    failure: "usage",
    retry: "never",
    meaning: "Others may write into the folder of the agent's lock and socket, and so take the place of either.",
    mend: "Name a folder in --run-folder that only root may write, such as one below /run; the usual one is /run/rancheros.",
  },
  FILES_PATH_TOO_LONG: {
    failure: "usage",
    retry: "never",
    meaning: "The path of the agent's socket is longer than the system lets the path of a socket be.",
    mend: "Name a folder with a shorter path in --run-folder; the usual one is /run/rancheros.",
  },
  FILES_TOO_LARGE: {
    failure: "environment",
    retry: "never",
    meaning: "A file of the machine has more bytes than this program reads of any such file; it was left as it is.",
    mend: "Look what has filled the file, and move it away: `ls -l PATH`.",
  },
  FILES_UNREADABLE: {
    failure: "environment",
    retry: "never",
    meaning: "A file of the machine cannot be read.",
    mend: "Run the command as root, and look whether the path leads to a file of usual size.",
  },
  FILES_UNSAVED: {
    failure: "environment",
    retry: "never",
    meaning: "A file of the machine cannot be written: the disk is full or read-only, or this user may not.",
    mend: "Look at `df` and `mount`; run the command as root. The file is as it was before.",
  },
  FILES_UNSAFE: {
    failure: "refused",
    retry: "never",
    meaning: "A path leads through a link where there must be none, or through too many; nothing was written there.",
    mend: "Look at the path with `namei -l PATH`, and remove the link if it is none of yours.",
  },
} as const satisfies ErrorTable<FilesErrorCode>;

export class FilesError extends CodedError<FilesErrorCode> {
  constructor(code: FilesErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(FILES_ERRORS, code, message, options);
  }
}
