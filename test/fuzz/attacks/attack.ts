import type { MethodContract } from "../../../runtime/contracts.ts";
import { headersOf } from "../caller.ts";
import { allMethods } from "../methods.ts";
import type { Random } from "../random.ts";
import type { Place } from "../target-process.ts";

/** What an attack has to work with. */
export interface Ground {
  /** Where a service is served. */
  placeOf(service: string): Place;
  readonly random: Random;
  /** 1 is all of it. The short run has less. */
  readonly scale: number;
}

/** Something that is done to connections, not to calls. */
export interface Attack {
  readonly name: string;
  /** @returns how it ended, for the table. */
  run(ground: Ground): Promise<Readonly<Record<string, number>>>;
}

const contracts = new Map(allMethods().map(({ contract }) => [contract.path, contract]));

/** The contract of a method that is attacked. */
export function contractAt(path: string): MethodContract {
  const contract = contracts.get(path);
  if (contract === undefined) throw new Error(`no contract for ${path}`);
  return contract;
}

/** The headers of a call that is allowed, for a raw connection. */
export function goodHeaders(contract: MethodContract, place: Place): Record<string, string> {
  const { ":method": method, ":path": path, ...rest } = headersOf(contract, place);
  const pseudo = { ":method": method, ":scheme": "http", ":path": path, ":authority": "127.0.0.1" };
  return Object.fromEntries(Object.entries({ ...pseudo, ...rest }).map(([name, value]) => [name, String(value)]));
}

/** How many of something of which there are `all` at full scale. */
export function share(all: number, { scale }: Ground): number {
  return Math.max(1, Math.round(all * scale));
}

/** Does something so often, some of it at once. */
export async function times(count: number, atOnce: number, action: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await action(next++);
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, work));
}

export const ECHO = "/bookmesh.testing.v1.EchoService/Unary";
export const ECHO_STREAM = "/bookmesh.testing.v1.EchoService/ServerStreaming";
