import { html } from "ghtml";
import { layout } from "./layout.ts";

/** What somebody has typed into the form. The password is never sent back. */
export interface RegisterForm {
  name: string;
  email: string;
  language: string;
  country: string;
}

export interface RegisterProblems {
  /** About the form as a whole. */
  message?: string;
  /** By the name of the field. */
  fields: Readonly<Record<string, string>>;
}

const NOTHING: RegisterForm = { name: "", email: "", language: "en", country: "" };
const LANGUAGES = [
  ["en", "English"],
  ["zh", "中文"],
  ["de", "Deutsch"],
  ["es", "Español"],
  ["fr", "Français"],
] as const;

export function registerPage(form: RegisterForm = NOTHING, problems: RegisterProblems = { fields: {} }): string {
  const failed = problems.message !== undefined || Object.keys(problems.fields).length > 0;
  const alert = failed ? html`<p class="alert" role="alert">${problems.message ?? "Please look at the marked fields."}</p>` : "";
  const field = (name: keyof RegisterForm | "password", label: string, input: string) => {
    const problem = problems.fields[name];
    const text = problem === undefined ? "" : html`<p class="problem" id="${name}-problem">${label} ${problem}.</p>`;
    return html`<div class="field"><label for="${name}">${label}</label>!${input}!${text}</div>`;
  };
  const marks = (name: string) =>
    problems.fields[name] === undefined ? "" : html`aria-invalid="true" aria-describedby="${name}-problem"`;
  const main = html`<h1>Register</h1>
!${alert}
<form class="form" method="post" action="/register" novalidate>
!${field("name", "Name", html`<input id="name" name="name" value="${form.name}" maxlength="100" autocomplete="name" required !${marks("name")}>`)}
!${field("email", "E-mail", html`<input id="email" name="email" type="email" value="${form.email}" maxlength="100" autocomplete="email" required !${marks("email")}>`)}
!${field("password", "Password", html`<input id="password" name="password" type="password" minlength="8" maxlength="128" autocomplete="new-password" required !${marks("password")}>`)}
!${field("language", "Language", html`<select id="language" name="language" !${marks("language")}>!${LANGUAGES.map(([tag, name]) => html`<option value="${tag}" lang="${tag}" !${tag === form.language ? "selected" : ""}>${name}</option>`)}</select>`)}
!${field("country", "Country", html`<input id="country" name="country" value="${form.country}" maxlength="60" autocomplete="country-name" !${marks("country")}>`)}
<button>Create my account</button>
</form>`;
  return layout({ title: "Register · Bookmesh", main });
}

export function welcomePage(): string {
  const main = html`<h1>Welcome</h1>
<p>Your account is ready. <a href="/">Find something to read</a>.</p>`;
  return layout({ title: "Welcome · Bookmesh", main });
}
