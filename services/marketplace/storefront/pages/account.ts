import { html } from "ghtml";
import type { User } from "../../../../gen/bookstore/register/v1/register_service.ts";
import { type Field, form, formTitle, NO_PROBLEMS, type Problems, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";
import { newPasswordField, PROFILE_FIELDS, passwordField } from "./profile-fields.ts";

const PROFILE: readonly Field[] = Object.values(PROFILE_FIELDS);
const PASSWORDS: readonly Field[] = [
  passwordField("currentPassword", "Current password"),
  newPasswordField("newPassword", "New password"),
];
const DELETION: readonly Field[] = [passwordField("password", "Password")];

const DONE = { profile: "Your changes are saved.", password: "Your password is changed." };

/** What has just been done on the page of the account. */
export type Done = keyof typeof DONE;
export const doneThings = Object.keys(DONE) as Done[];

export interface AccountParts {
  user: User;
  /** What somebody has typed. The default is what is known. */
  typed?: Pick<User, "name" | "email" | "language" | "country">;
  problems?: Problems;
  done?: Done | undefined;
}

export function accountPage({ user, typed = user, problems = NO_PROBLEMS, done }: AccountParts): PageParts {
  const { name, email, language, country } = typed;
  const values = { name, email, language, country };
  const main = html`<h1>Your account</h1>
!${done === undefined ? "" : html`<p class="done" role="status">${DONE[done]}</p>`}
!${problemSummary(problems, [...PROFILE, ...PASSWORDS])}
<div class="columns">
<section aria-labelledby="about-you">
<h2 id="about-you">About you</h2>
!${form({ action: "/account", fields: PROFILE, values, button: "Save", problems })}
</section>
<section aria-labelledby="change-password">
<h2 id="change-password">Password</h2>
!${form({ action: "/account/password", fields: PASSWORDS, username: user.email, button: "Change password", problems })}
<p class="aside">Changing it signs you out everywhere else within a quarter of an hour.</p>
</section>
</div>
<p class="aside"><a href="/orders">Your orders</a> · <a href="/documents">Your documents</a> · <a href="/notifications/preferences">What you want to be told of</a></p>
<p class="aside"><a href="/account/delete">Delete my account</a></p>`;
  return { title: formTitle("Your account", problems), main };
}

export function deletionPage({ user, problems = NO_PROBLEMS }: { user: User; problems?: Problems }): PageParts {
  const main = html`<h1>Delete your account</h1>
!${problemSummary(problems, DELETION)}
<p>Your name and e-mail address are deleted for good, and nobody can sign in with them any more. So are your cart, your ratings and comments, your documents and receipts, your notifications, and what we have learned about your taste. Your orders stay in our books, without your name.</p>
<p>To be sure that it is you, we ask for your password.</p>
!${form({ action: "/account/delete", fields: DELETION, username: user.email, button: "Delete my account", problems })}
<p class="aside"><a href="/account">Keep my account</a></p>`;
  return { title: formTitle("Delete your account", problems), main };
}

export function goodbyePage(): PageParts {
  const main = html`<h1>Goodbye</h1>
<p>Your account is deleted. <a href="/">The shop</a> stays open to you.</p>`;
  return { title: "Goodbye · Bookmesh", main };
}
