import { html } from "ghtml";

const NOT_KNOWN = "–";
const LONGEST_TEXT = 400;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Text that others have written, as HTML: in one piece and not too long, whatever direction it is written in. */
export function said(text: string): string {
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  return short === "" ? NOT_KNOWN : html`<bdi>${short.toWellFormed()}</bdi>`;
}

/** "3 s", "5 min", "2 h", "12 days" */
function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${whole.format(Math.floor(seconds / 86_400))} days`;
}

/** How long ago something was, as HTML: "3 s ago". @param never what to say if it never was. */
export function since(time: Date | undefined, now: Date, never: string, suffix = " ago"): string {
  if (time === undefined || Number.isNaN(time.getTime())) return html`${never}`;
  return html`<time datetime="${time.toISOString()}">${formatSpan(now.getTime() - time.getTime())}${suffix}</time>`;
}

/** 0.123 is "0.12", 12.34 is "12.3", 1234.5 is "1,235" */
export function formatRate(rate: number): string {
  if (!Number.isFinite(rate)) return NOT_KNOWN;
  return rate >= 1_000 ? whole.format(rate) : threeDigits.format(rate < 0.01 ? 0 : rate);
}

/** 0.0123 is "1.2%"; a little is never said to be nothing. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return NOT_KNOWN;
  if (share > 0 && share < 0.001) return "<0.1%";
  const percent = share * 100;
  return `${percent > 99.9 && percent < 100 ? 99.9 : Number(percent.toFixed(1))}%`;
}

/** "0.8 ms", "12 ms", "1.5 s" */
export function formatLatency(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return NOT_KNOWN;
  return ms < 1_000 ? `${threeDigits.format(ms)} ms` : `${threeDigits.format(ms / 1_000)} s`;
}

/** "1 call", "2 calls" */
export function count(number: number, thing: string): string {
  return `${whole.format(number)} ${thing}${number === 1 ? "" : "s"}`;
}
