import { EchoServiceDefinition, HurriedEchoServiceDefinition } from "../../../gen/bookmesh/testing/v1/echo_service.ts";
import {
  AdministratorEchoServiceDefinition,
  GuardedEchoServiceDefinition,
  UserEchoServiceDefinition,
} from "../../../gen/bookmesh/testing/v1/guarded_echo_service.ts";
import { echo } from "../../support/dummy-client.ts";
import { FAILURES } from "../failures.ts";
import type { AddServices } from "./making.ts";

export const addEcho: AddServices = (server, { logger }) => {
  // Without a prototype: "__proto__" is a text like any other.
  const specialCases: Record<string, () => never> = Object.create(null);
  for (const [text, { error }] of Object.entries(FAILURES)) specialCases[text] = () => raise(error);
  const implementation = echo({ specialCases, logger });
  server.add(EchoServiceDefinition, implementation);
  server.add(HurriedEchoServiceDefinition, implementation);
  server.add(GuardedEchoServiceDefinition, implementation);
  server.add(UserEchoServiceDefinition, implementation);
  server.add(AdministratorEchoServiceDefinition, implementation);
};

function raise(error: unknown): never {
  throw error;
}
