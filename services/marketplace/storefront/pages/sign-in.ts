import { html } from "ghtml";
import { withNext } from "../local-path.ts";
import { type Field, form, formTitle, NO_PROBLEMS, type Problems, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";
import { PROFILE_FIELDS, passwordField } from "./profile-fields.ts";

const FIELDS: readonly Field[] = [{ ...PROFILE_FIELDS.email, autocomplete: "username" }, passwordField("password", "Password")];

export interface SignInParts {
  /** Where the visitor goes on: a path. */
  next: string;
  /** What somebody has typed. */
  email?: string;
  problems?: Problems;
}

export function signInPage({ next, email = "", problems = NO_PROBLEMS }: SignInParts): PageParts {
  const hidden = next === "/" ? {} : { next };
  const main = html`<h1>Sign in</h1>
!${problemSummary(problems, FIELDS)}
!${form({ action: "/sign-in", fields: FIELDS, values: { email }, hidden, button: "Sign in", problems })}
<p class="aside">New here? <a href="${withNext("/register", next)}">Register</a>.</p>`;
  return { title: formTitle("Sign in", problems), main };
}
