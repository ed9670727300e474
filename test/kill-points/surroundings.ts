import { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import {
  EventLogServiceDefinition,
  type EventLogServiceImplementation,
} from "../../gen/bookstore/events/v1/event_log_service.ts";
import {
  MarketplaceServiceDefinition,
  type MarketplaceServiceImplementation,
} from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import {
  RegisterServiceDefinition,
  type RegisterServiceImplementation,
} from "../../gen/bookstore/register/v1/register_service.ts";
import { SessionServiceDefinition, type SessionServiceImplementation } from "../../gen/bookstore/register/v1/session_service.ts";
import type { MeshServer } from "../../interceptors/server/chain.ts";
import { startService } from "../support/service.ts";
import type { TestAuthority } from "../support/test-authority.ts";
import { type TestUsers, testUsers } from "../support/users.ts";

/** How many Books there are: with the numbers from 1 on, all for 10 dollars. */
export const BOOKS = 20;

/** The services that are not ended: servers in this process, each with its own certificate. */
export interface Surroundings extends AsyncDisposable {
  readonly users: TestUsers;
  /** "host:port" of register, marketplace and reviews. */
  readonly addresses: Readonly<Record<"register" | "marketplace" | "reviews", string>>;
}

/** A register that knows everybody and deletes nobody, a marketplace with some Books, and reviews in which nothing happens. */
export async function startSurroundings(authority: TestAuthority): Promise<Surroundings> {
  await using stack = new AsyncDisposableStack();
  const users = testUsers();
  const serve = async (name: string, add: (server: MeshServer) => void) => {
    const credentials = await authority.credentials(name);
    return stack.use(await startService({ credentials, users, client: () => ({}), add })).address;
  };
  const addresses = {
    register: await serve("register", (server) => {
      server.add(RegisterServiceDefinition, only<RegisterServiceImplementation>({ checkRegistered: everybody }));
      server.add(
        SessionServiceDefinition,
        only<SessionServiceImplementation>({ listSigningKeys: async () => ({ keys: [...users.jwks] }) }),
      );
      server.add(EventLogServiceDefinition, only<EventLogServiceImplementation>(emptyLog));
    }),
    marketplace: await serve("marketplace", (server) => {
      server.add(MarketplaceServiceDefinition, only<MarketplaceServiceImplementation>(catalogue));
    }),
    reviews: await serve("reviews", (server) => {
      server.add(EventLogServiceDefinition, only<EventLogServiceImplementation>(emptyLog));
    }),
  };
  const owned = stack.move();
  return { users, addresses, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A service of which nobody needs the other methods: they would fail as any method does that throws. */
function only<Implementation extends object>(methods: Partial<Implementation>): Implementation {
  const missing = () => {
    throw new Error("nobody was to call that");
  };
  return new Proxy(methods, { get: (target, name) => Reflect.get(target, name) ?? missing }) as Implementation;
}

const everybody: RegisterServiceImplementation["checkRegistered"] = async ({ key }) => ({
  user: { id: key?.value ?? "", name: "Ann", language: "en" },
});

function bookOf(id: number): Book {
  return Book.fromPartial({ id, title: `Book ${id}`, price: { currencyCode: "USD", minorUnits: 1_000n } });
}

const catalogue: Partial<MarketplaceServiceImplementation> = {
  batchGetBooks: async ({ bookIds }) => ({ books: bookIds.map(bookOf) }),
  async *watchBooks(_request, { signal }) {
    yield { books: Array.from({ length: BOOKS }, (_, i) => bookOf(i + 1)), revision: 1n, catalogueId: "tests" };
    await aborted(signal);
  },
};

const emptyLog: Partial<EventLogServiceImplementation> = {
  async *followEvents(_request, { signal }) {
    yield { events: [], position: 0n, lastPosition: 0n };
    await aborted(signal);
  },
};

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
}
