import { wantsColour } from "./log-view.ts";
import type { Surroundings } from "./run-command.ts";
import type { StatusDocument } from "./status-document.ts";
import { statusText } from "./status-text.ts";

/** Where documents are shown one after the other. */
export interface StatusScreen {
  show(document: StatusDocument): void;
  /** When there are no more. */
  leave(): void;
}

/** On a terminal a watched document is shown in place of the one before; elsewhere each is shown that is different. */
export function statusScreen(
  { json = false, watch = false }: { json?: boolean; watch?: boolean },
  { env, stdout }: Pick<Surroundings, "env" | "stdout">,
): StatusScreen {
  const isTerminal = stdout.isTTY === true;
  const colour = wantsColour(env, isTerminal);
  const text = (document: StatusDocument) => statusText(document, { colour, now: new Date() });
  if (watch && !json && isTerminal) {
    return {
      show: (document: StatusDocument) => void stdout.write(inPlace(text(document), stdout.rows)),
      leave: () => void stdout.write(WRAP_LINES),
    };
  }
  let last = "";
  return {
    show(document: StatusDocument) {
      const content = JSON.stringify(document, undefined, watch ? undefined : 2);
      if (content === last) return;
      const first = last === "";
      last = content;
      stdout.write(json ? `${content}\n` : `${first ? "" : "\n"}${text(document)}`);
    },
    leave() {},
  };
}

const CUT_LINES = "\u001b[?7l";
const WRAP_LINES = "\u001b[?7h";
const HOME = "\u001b[H";
const CLEAR_TO_END_OF_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Text in place of what the terminal shows, cut to its size, without flicker. */
function inPlace(text: string, rows = Number.POSITIVE_INFINITY): string {
  const lines = text.trimEnd().split("\n");
  const hidden = lines.length - (rows - 1);
  if (hidden > 0) lines.splice(-hidden - 1, hidden + 1, `… ${hidden + 1} more lines`);
  return `${CUT_LINES}${HOME}${lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join("")}${CLEAR_BELOW}`;
}
