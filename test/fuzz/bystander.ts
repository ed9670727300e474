// A good caller, in a process of its own: it calls every server all the while,
// and tells its parent at the end how that went.
import { Status } from "nice-grpc-common";
import { HealthCheckRequest } from "../../gen/health/v1/health.ts";
import { frame } from "../support/raw-call.ts";
import { Caller } from "./caller.ts";
import type { FuzzCase } from "./case.ts";
import { allMethods } from "./methods.ts";
import type { Place } from "./target-process.ts";

/** How it went. */
export interface BystanderReport {
  readonly calls: number;
  /** What did not end with OK, and was not refused for load. */
  readonly failures: readonly string[];
  /** Refused because too much was going on. */
  readonly refused: number;
  /** The slowest call, and the one than which 99 of 100 were faster. */
  readonly slowestMs: number;
  readonly p99Ms: number;
}

export type BystanderMessage = { type: "begin"; places: readonly Place[] } | { type: "end" };

/** One call for each server in so much time. */
const EVERY_MS = 40;
const MOST_FAILURES = 20;

const methods = allMethods();
const methodAt = (path: string) => methods.find(({ contract }) => contract.path === path) as FuzzCase["method"];
const check = {
  method: methodAt("/grpc.health.v1.Health/Check"),
  body: frame(HealthCheckRequest.encode({ service: "" }).finish()),
};
/** What else a server is asked, with no fields set. */
const CALLS: Readonly<Record<string, string>> = {
  echo: "/bookmesh.testing.v1.EchoService/Unary",
  marketplace: "/bookstore.marketplace.v1.MarketplaceService/ListCategories",
  registry: "/mesh.registry.v1.RegistryService/ListServices",
};

let ending = false;
const latencies: number[] = [];
const failures: string[] = [];
let refused = 0;

async function keepCalling(place: Place): Promise<void> {
  using caller = new Caller(place, "gateway");
  const own = CALLS[place.name];
  const calls = [check, ...(own === undefined ? [] : [{ method: methodAt(own), body: frame(new Uint8Array()) }])];
  for (let i = 0; !ending; i++) {
    const call = { kind: "bystander", about: "", ...(calls[i % calls.length] ?? check) };
    const outcome = await caller.call(call, { stays: false });
    latencies.push(outcome.elapsedMs);
    if (outcome.status === Status.RESOURCE_EXHAUSTED) refused++;
    else if (outcome.status !== Status.OK && failures.length < MOST_FAILURES) {
      failures.push(`${call.method.contract.path}: ${JSON.stringify(outcome)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

process.on("message", async (message: BystanderMessage) => {
  if (message.type === "end") ending = true;
  if (message.type !== "begin") return;
  await Promise.all(message.places.map(keepCalling));
  latencies.sort((a, b) => a - b);
  const report: BystanderReport = {
    ...{ calls: latencies.length, failures, refused, slowestMs: latencies.at(-1) ?? 0 },
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
  process.send?.(report, () => process.disconnect());
});
