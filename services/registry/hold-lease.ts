import type { CallContext } from "nice-grpc";
import type { HoldLeaseRequest, HoldLeaseResponse } from "../../gen/mesh/registry/v1/registry_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { durationOf } from "../../runtime/duration.ts";
import { Failure, invalidField } from "../../runtime/errors.ts";
import type { Lease } from "./catalog.ts";
import type { RegistryDeps } from "./handler.ts";
import { type Instance, instanceOf } from "./instance.ts";
import { notRegistered } from "./not-registered.ts";
import { requireRegistrant } from "./registrant.ts";

/** How often instances are to report their load: less often than they have to say that they live. */
const REPORT_INTERVAL_MS = 2_000;
const REPORTS_A_LEASE = 3;

/** Keeps an instance registered for as long as its stream lives. */
export async function* holdLease(
  deps: RegistryDeps,
  requests: AsyncIterable<HoldLeaseRequest>,
  { peer }: CallContext,
): AsyncGenerator<HoldLeaseResponse> {
  const { catalog, logger } = deps;
  const caller = currentCall()?.caller;
  const messages = requests[Symbol.asyncIterator]();
  const instance = await firstInstance(messages, peer, deps.firstMessageMs);
  requireRegistrant(deps, caller, instance);
  const lease = catalog.register(instance);
  const about = { instance: instance.id, service: instance.service };
  logger.info({ ...about, address: instance.address, port: instance.port }, "instance registered");
  let drained = false;
  try {
    yield {
      event: {
        $case: "registered",
        value: {
          instanceId: instance.id,
          lease: durationOf(catalog.leaseMs),
          reportInterval: durationOf(Math.min(REPORT_INTERVAL_MS, catalog.leaseMs / REPORTS_A_LEASE)),
        },
      },
    };
    drained = await untilDrain(deps, lease, messages);
    if (!drained) return;
    lease.remove();
    logger.info(about, "instance drained");
    await deps.settled(instance.service);
    yield { event: { $case: "drained", value: {} } };
  } finally {
    if (!drained) {
      lease.lost();
      logger.info(about, "the stream of an instance has ended");
    }
  }
}

async function firstInstance(messages: AsyncIterator<HoldLeaseRequest>, peer: string, waitMs: number): Promise<Instance> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const failure = new Failure("deadline-exceeded", `nobody has registered in ${waitMs} ms`);
    timer = setTimeout(() => reject(failure), waitMs);
  });
  try {
    const { done, value } = await Promise.race([messages.next(), late]);
    if (done || value.event?.$case !== "instance") throw invalidField("instance", "is required in the first message");
    return instanceOf(value.event.value, peer);
  } finally {
    clearTimeout(timer);
  }
}

/** Takes in what the instance says. @returns whether it wants to leave; otherwise its stream has ended. */
async function untilDrain(
  { loads, overview }: RegistryDeps,
  lease: Lease,
  messages: AsyncIterator<HoldLeaseRequest>,
): Promise<boolean> {
  while (true) {
    const { done, value } = await messages.next();
    if (done) return false;
    const { event } = value;
    if (event?.$case === "drain") return true;
    if (event?.$case === "instance") throw invalidField("instance", "must be in the first message only");
    const state = lease.renew();
    if (state === "gone") throw notRegistered(lease.id);
    if (state === "held" && event?.$case === "load") {
      loads.report(lease.id, event.value);
      overview.loadChanged();
    }
  }
}
