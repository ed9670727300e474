import type { Field } from "./form.ts";

/** What users say of themselves. */
export const PROFILE_FIELDS = {
  name: { name: "name", label: "Name", autocomplete: "name", maxlength: 100, required: true },
  email: { name: "email", label: "E-mail", type: "email", autocomplete: "email", maxlength: 100, required: true },
  language: { name: "language", label: "Language", type: "language", autocomplete: "language" },
  country: { name: "country", label: "Country", autocomplete: "country-name", maxlength: 60 },
} as const satisfies Record<string, Field>;

/** A password that there is. */
export function passwordField(name: string, label: string): Field {
  return { name, label, type: "password", autocomplete: "current-password", maxlength: 128, required: true };
}

/** One that is to be. */
export function newPasswordField(name: string, label: string): Field {
  return { ...passwordField(name, label), autocomplete: "new-password", minlength: 8, hint: "At least 8 characters." };
}
