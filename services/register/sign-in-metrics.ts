import { Counter, Gauge, type Registry } from "prom-client";
import { Failure } from "../../runtime/errors.ts";
import type { HashQueue } from "./hash-queue.ts";

/** Shows an attack to whoever watches: how sign-ins end, and how many passwords wait. */
export function signInMetrics(options: { metrics: Registry; queue: HashQueue }) {
  const registers = [options.metrics];
  const signIns = new Counter({
    name: "bookmesh_sign_ins_total",
    help: "Attempts to sign in that ended: OK, or the reason why not",
    labelNames: ["outcome"],
    registers,
  });
  new Gauge({
    name: "bookmesh_passwords_waiting",
    help: "Passwords that wait to be hashed",
    registers,
    collect() {
      this.set(options.queue.waiting);
    },
  });
  return {
    /** Counts how the sign-in ends. */
    async count<T>(signIn: Promise<T>): Promise<T> {
      try {
        const session = await signIn;
        signIns.inc({ outcome: "OK" });
        return session;
      } catch (error) {
        signIns.inc({ outcome: (error instanceof Failure ? error.reason : undefined) ?? "OTHER" });
        throw error;
      }
    },
  };
}
