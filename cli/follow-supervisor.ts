/**
 * Loaded before the program of each service (`node --import`).
 *
 * Services have process groups of their own, so they would outlive a supervisor
 * that is killed, and keep its ports. The channel to the supervisor closes
 * whatever kills it: then the service stops as it does on SIGTERM.
 */
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// The channel alone shall not keep a program alive that has nothing left to do.
process.channel?.unref();
