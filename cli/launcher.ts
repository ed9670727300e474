const LOOK_EVERY_MS = 500;

/**
 * Calls back when npm, which has started this process, is gone.
 *
 * npm starts it in a shell, and it is the shell that gets the SIGTERM that npm
 * passes on: the shell ends and tells nobody. Without npm there is nothing to
 * look for: a process may well outlive the one that has started it.
 */
export function onNpmGone(
  callback: () => void,
  options: { env?: NodeJS.ProcessEnv; parent?: () => number; everyMs?: number } = {},
): void {
  const { env = process.env, parent = () => process.ppid, everyMs = LOOK_EVERY_MS } = options;
  if (env.npm_command === undefined) return;
  const first = parent();
  const timer = setInterval(() => {
    if (parent() === first) return;
    clearInterval(timer);
    callback();
  }, everyMs);
  timer.unref();
}
