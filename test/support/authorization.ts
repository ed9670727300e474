import { readFileSync } from "node:fs";
import { type ChannelCredentials, type Client, Metadata } from "@grpc/grpc-js";
import type { MethodContract } from "../../runtime/contracts.ts";
import { meshContracts } from "../../tools/authorization-document.ts";
import { anyClient, type Outcome, requestWith } from "./any-call.ts";
import { type EveryService, type RunningService, startEveryService } from "./every-service.ts";
import { TestAuthority } from "./test-authority.ts";

/** One row of docs/authorization.md. */
export interface Row {
  readonly contract: MethodContract;
  readonly endUser: string;
  /** By identity: "✓" or "–". */
  readonly cells: Readonly<Record<string, string>>;
}

/** The rows of all tables of docs/authorization.md. */
export const rows: readonly Row[] = rowsOf(readFileSync(new URL("../../docs/authorization.md", import.meta.url), "utf8"));

function rowsOf(page: string): Row[] {
  return page.split(/^## /m).flatMap((section) => {
    const [service = "", ...lines] = section.split("\n");
    const [head = [], , ...body] = lines.filter((line) => line.startsWith("|")).map(cellsOf);
    return body.map(([method = "", endUser = "", ...cells]) => {
      const contract = meshContracts.find(({ path }) => path === `/${service}/${method.replaceAll("`", "")}`);
      if (contract === undefined) throw new Error(`no contract for ${service} ${method}`);
      return { contract, endUser, cells: Object.fromEntries(head.slice(2).map((name, i) => [name, cells[i] ?? ""])) };
    });
  });
}

function cellsOf(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The identities that may call, by their columns. */
export function allowedIn({ cells }: Row): string[] {
  return Object.keys(cells).filter((name) => cells[name] === "✓");
}

/** All services with real certificates, and one channel to each of them for each identity. */
export interface TriedMesh extends EveryService {
  readonly authority: TestAuthority;
  /** The servers that have a method. */
  serversOf(contract: MethodContract): readonly [RunningService, ...RunningService[]];
  /** @param make the credentials of one who has none of the authority. */
  clientOf(server: RunningService, caller: string, make?: () => Promise<ChannelCredentials>): Promise<Client>;
}

/** @returns to be bound with `await using`, which ends all of it. */
export async function startTriedMesh(): Promise<TriedMesh> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await TestAuthority.create());
  const mesh = stack.use(await startEveryService(authority));
  const clients = new Map<string, Client>();
  stack.defer(() => {
    for (const client of clients.values()) client.close();
  });
  const owned = stack.move();
  return {
    ...mesh,
    authority,
    serversOf({ path, service }) {
      const [first, ...others] = mesh.services.filter(({ serves }) => serves.includes(service));
      if (first === undefined) throw new Error(`nobody serves ${path}`);
      return [first, ...others];
    },
    async clientOf({ name, address }, caller, make) {
      const key = `${caller} ${name}`;
      let client = clients.get(key);
      if (client === undefined) {
        client = anyClient(address, (await make?.()) ?? (await authority.credentials(caller)).channel(name));
        clients.set(key, client);
      }
      return client;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What a call of the user with this token carries. */
export function carrying(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

/** A request about a user, where the method has such. */
export function requestAbout(contract: MethodContract, userId: string): Uint8Array {
  return contract.endUserField === undefined ? new Uint8Array() : requestWith(contract, { [contract.endUserField]: userId });
}

/** How a call ends that has passed authorization, whatever it is told then. */
const PASSED: readonly string[] = ["OK", "INVALID_ARGUMENT", "NOT_FOUND"];

/** How a call ended, in a word: "passed", or status and reason. */
export function inWords({ status, reason = "" }: Outcome): string {
  return PASSED.includes(status) && reason !== "USER_NOT_FOUND" ? "passed" : `${status} ${reason}`.trim();
}
