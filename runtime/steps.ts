import { channel } from "node:diagnostics_channel";

/** What is told of each step. */
export interface Step {
  /** Such as "events.consumer.before-commit". */
  readonly name: string;
}

/** Where steps are told. */
export const STEPS = "bookmesh.steps";

const steps = channel(STEPS);

/**
 * Tells that the program has come to a point at which it would be bad to be
 * ended, so that a test can end it there. Costs nothing when nobody listens.
 */
export function reached(name: string): void {
  if (steps.hasSubscribers) steps.publish({ name } satisfies Step);
}
