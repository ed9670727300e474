import { html } from "ghtml";
import { formatLanguage } from "../format.ts";

const LANGUAGES = [
  ["en", "English"],
  ["zh", "中文"],
  ["de", "Deutsch"],
  ["es", "Español"],
  ["fr", "Français"],
] as const;

/** One input of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  /** The default is "text". */
  readonly type?: "text" | "email" | "password" | "language" | "long text" | "rating" | "time" | "time zone";
  /** What browsers and password managers fill in (HTML, "autofill field name"). The default is "off". */
  readonly autocomplete?: string;
  readonly required?: true;
  readonly minlength?: number;
  readonly maxlength?: number;
  /** What to know before one types. */
  readonly hint?: string;
}

/** What is wrong with what somebody has sent. */
export interface Problems {
  /** About the form as a whole. */
  readonly message?: string;
  /** By the name of the field: what follows its label in a sentence. */
  readonly fields: Readonly<Record<string, string>>;
}

export const NO_PROBLEMS: Problems = { fields: {} };

export interface FormParts {
  action: string;
  fields: readonly Field[];
  /** What the fields hold, by their names. Passwords are never sent back. */
  values?: Readonly<Record<string, string>>;
  /** Whose passwords they are, for password managers: neither shown nor sent. */
  username?: string;
  /** What is sent along without being shown. */
  hidden?: Readonly<Record<string, string>>;
  button: string;
  problems?: Problems;
}

export function form({ action, fields, values = {}, username, hidden = {}, button, problems = NO_PROBLEMS }: FormParts): string {
  return html`<form class="form" method="post" action="${action}" novalidate>
!${username === undefined ? "" : html`<input type="text" autocomplete="username" value="${username}" readonly hidden>`}
!${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
!${fieldsOf(fields, values, problems)}
<button>${button}</button>
</form>`;
}

/** The inputs of a form, each with its label and what is wrong with it. */
export function fieldsOf(fields: readonly Field[], values: Readonly<Record<string, string>>, problems: Problems): string {
  return html`!${fields.map((field) => fieldOf(field, values[field.name] ?? "", problems))}`;
}

/** What is wrong, on top of the page, with a link to each field it is about. Nothing, if nothing is. */
export function problemSummary(problems: Problems, fields: readonly Field[]): string {
  if (!hasProblems(problems)) return "";
  const wrong = fields.flatMap(({ name, label }) => {
    const problem = problems.fields[name];
    return problem === undefined ? [] : html`<li><a href="#${name}">${label} ${problem}</a></li>`;
  });
  const list = wrong.length === 0 ? "" : html`<ul>!${wrong}</ul>`;
  return html`<div class="alert" tabindex="-1" autofocus>
<p role="alert">${problems.message ?? "Please look at the marked fields."}</p>
!${list}
</div>`;
}

/** The title of a page with a form: who hears pages read hears it first. */
export function formTitle(title: string, problems: Problems): string {
  return `${hasProblems(problems) ? "Problem: " : ""}${title} · Bookmesh`;
}

function hasProblems({ message, fields }: Problems): boolean {
  return message !== undefined || Object.keys(fields).length > 0;
}

function fieldOf(field: Field, value: string, problems: Problems): string {
  const { name, label, hint } = field;
  const problem = problems.fields[name];
  const notes = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean).join(" ");
  const marks = [
    field.required ? "required" : "",
    problem === undefined ? "" : 'aria-invalid="true"',
    notes === "" ? "" : html`aria-describedby="${notes}"`,
  ];
  if (field.type === "rating") return ratingOf(field, value, problem);
  const input = INPUTS.get(field.type) ?? inputOf;
  return html`<div class="field"><label for="${name}">${label}</label>
!${hint === undefined ? "" : html`<p class="hint" id="${name}-hint">${hint}</p>`}
!${input(field, value, marks)}
!${problem === undefined ? "" : html`<p class="problem" id="${name}-problem">${label} ${problem}.</p>`}
</div>
`;
}

function inputOf(
  { name, type = "text", autocomplete = "off", minlength, maxlength }: Field,
  value: string,
  marks: string[],
): string {
  const shown = type === "password" ? "" : html`value="${value}"`;
  const lengths = [minlength && `minlength="${minlength}"`, maxlength && `maxlength="${maxlength}"`];
  const rest = [shown, ...lengths, ...marks].filter(Boolean).join(" ");
  return html`<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" !${rest}>`;
}

function languagesOf({ name, autocomplete = "off" }: Field, value: string, marks: string[]): string {
  const known = LANGUAGES.some(([tag]) => tag === value);
  // Accounts that were made elsewhere have other languages, or none.
  const other = known ? "" : html`<option value="${value}" selected>${formatLanguage(value) || value || "Not given"}</option>`;
  const options = LANGUAGES.map(
    ([tag, language]) => html`<option value="${tag}" lang="${tag}"!${tag === value ? " selected" : ""}>${language}</option>`,
  );
  const rest = marks.filter(Boolean).join(" ");
  return html`<select id="${name}" name="${name}" autocomplete="${autocomplete}" !${rest}>!${other}!${options}</select>`;
}

function areaOf({ name, maxlength }: Field, value: string, marks: string[]): string {
  const rest = [maxlength && `maxlength="${maxlength}"`, ...marks].filter(Boolean).join(" ");
  // A parser drops the first line end of what stands in it.
  return html`<textarea id="${name}" name="${name}" rows="6" dir="auto" !${rest}>
${value}</textarea>`;
}

const RATINGS = ["bad", "not so good", "fair", "good", "wonderful"];

function ratingOf({ name, label }: Field, value: string, problem: string | undefined): string {
  const choices = RATINGS.map((word, index) => {
    const rating = index + 1;
    const stars = "★".repeat(rating) + "☆".repeat(RATINGS.length - rating);
    return html`<label class="choice"><input type="radio" name="${name}" value="${rating}"!${value === String(rating) ? " checked" : ""}> <span><span class="stars" aria-hidden="true">${stars}</span> ${rating}, ${word}</span></label>
`;
  });
  const note = problem === undefined ? "" : html`<p class="problem" id="${name}-problem">${label} ${problem}.</p>`;
  return html`<fieldset id="${name}" tabindex="-1"!${problem === undefined ? "" : html` aria-describedby="${name}-problem"`}><legend>${label}</legend>
!${note}
!${choices.toReversed()}
</fieldset>
`;
}

const TIME_ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];

function timeZonesOf({ name }: Field, value: string, marks: string[]): string {
  // What another time zone database knows.
  const other = TIME_ZONES.includes(value) ? [] : [value];
  const options = [...other, ...TIME_ZONES].map(
    (zone) => html`<option value="${zone}"!${zone === value ? " selected" : ""}>${zone.replaceAll("_", " ")}</option>`,
  );
  return html`<select id="${name}" name="${name}" !${marks.filter(Boolean).join(" ")}>!${options}</select>`;
}

const INPUTS = new Map<Field["type"], (field: Field, value: string, marks: string[]) => string>([
  ["language", languagesOf],
  ["long text", areaOf],
  ["time zone", timeZonesOf],
]);
