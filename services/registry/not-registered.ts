import { Failure } from "../../runtime/errors.ts";

/** For who asks about a service. */
export function serviceNotRegistered(service: string): Failure {
  return new Failure("not-found", `no instance of ${service} ever registered`, {
    reason: "SERVICE_NOT_REGISTERED",
    metadata: { service },
  });
}

/** For who asks about an instance. */
export function instanceNotRegistered(id: string): Failure {
  return noSuchInstance(id, "no such instance");
}

/** For the instance itself. */
export function notRegistered(id: string): Failure {
  return noSuchInstance(id, "no such instance: register it again");
}

function noSuchInstance(id: string, message: string): Failure {
  return new Failure("not-found", message, { reason: "INSTANCE_NOT_REGISTERED", metadata: { instance: id } });
}
