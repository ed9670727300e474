import { styleText } from "node:util";

/** How to make text stand out: by colour, or not at all. */
export interface TextStyle {
  good(text: string): string;
  bad(text: string): string;
  warning(text: string): string;
  heading(text: string): string;
  dim(text: string): string;
}

export function textStyle(colour: boolean): TextStyle {
  const styled = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    colour && text !== "" ? styleText(format, text, { validateStream: false }) : text;
  return {
    good: styled("green"),
    bad: styled(["red", "bold"]),
    warning: styled("yellow"),
    heading: styled("bold"),
    dim: styled("dim"),
  };
}
