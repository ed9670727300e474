import { html } from "ghtml";
import { withNext } from "../local-path.ts";
import { type Field, form, formTitle, NO_PROBLEMS, type Problems, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";
import { newPasswordField, PROFILE_FIELDS } from "./profile-fields.ts";

const { name, email, language, country } = PROFILE_FIELDS;
const FIELDS: readonly Field[] = [
  name,
  { ...email, autocomplete: "username" },
  newPasswordField("password", "Password"),
  language,
  country,
];

/** What somebody has typed into the form. */
export interface RegisterForm {
  name: string;
  email: string;
  language: string;
  country: string;
}

const NOTHING: RegisterForm = { name: "", email: "", language: "en", country: "" };

/** @param next where the visitor came from: a path. */
export function registerPage(next: string, typed: RegisterForm = NOTHING, problems: Problems = NO_PROBLEMS): PageParts {
  const { name, email, language, country } = typed;
  const values = { name, email, language, country };
  const hidden = next === "/" ? {} : { next };
  const main = html`<h1>Register</h1>
!${problemSummary(problems, FIELDS)}
!${form({ action: "/register", fields: FIELDS, values, hidden, button: "Create my account", problems })}
<p class="aside">You have an account? <a href="${withNext("/sign-in", next)}">Sign in</a>.</p>`;
  return { title: formTitle("Register", problems), main };
}

/** @param signedIn whether the session has begun with the account, as it should. */
export function welcomePage(signedIn: boolean): PageParts {
  const main = html`<h1>Welcome</h1>
!${
    signedIn
      ? html`<p>Your account is ready. <a href="/">Find something to read</a>.</p>`
      : html`<p>Your account is ready. <a href="/sign-in">Sign in</a>, or <a href="/">find something to read</a> first.</p>`
  }`;
  return { title: "Welcome · Bookmesh", main };
}
