import { services as runningServices } from "../cli/services.ts";
import { EndUser } from "../gen/mesh/policy/v1/policy.ts";
import { allContracts, type MethodContract } from "../runtime/contracts.ts";
import { adsContract } from "../services/registry/xds/contract.ts";
import { markdownTable } from "./markdown-table.ts";

/** The column of identities that no contract names. */
export const ANY_OTHER = "any other";

const ANYBODY = "*";
/** The packages of what only tests serve. */
const TESTING = /\.testing\./;

/** What can be called in the mesh. */
export const meshContracts: readonly MethodContract[] = [
  ...allContracts().filter(({ service }) => !TESTING.test(service)),
  adsContract,
];

/** Who is there, whether a contract names them or not. */
export const meshIdentities: readonly string[] = ["operator", ...runningServices.map(({ name }) => name)];

const INTRODUCTION = `# Who may call what

Every connection of the mesh is mutual TLS 1.3: whoever calls proves a name by a certificate, and \`spiffe://bookmesh.local/orders\` is \`orders\`.
The contract of a method says which names may call it, and which user must be signed in:

\`\`\`proto
rpc ListNotifications(ListNotificationsRequest) returns (ListNotificationsResponse) {
  option (mesh.policy.v1.method) = {
    callers: ["marketplace", "gateway"]
    end_user: END_USER_SIGNED_IN
    end_user_field: "user_id"
    …
  };
}
\`\`\`

That is the only place where it is said. **To change a cell** change \`callers\`, then run \`npm run generate\` and \`npm run docs:authorization\`, which writes this page.
\`npm test\` fails as long as the page is not what the contracts say, and tries every cell of it on real servers. A method whose contract names nobody can be called by nobody,
and one without a policy ends a process before it listens.

## How to read it

- **✓** may call. **–** is refused before its first message is read: PERMISSION_DENIED, reason \`CALLER_NOT_ALLOWED\`.
- **${ANY_OTHER}** is every other identity that the mesh's root vouches for: a service that no contract names yet, or a person with a certificate of their own.
- **operator** is whoever runs the mesh: \`bookmesh status\` and the commands that change traffic are called by this name.
- **Who proves no identity of this mesh has no column** and may call nothing. Without a certificate, with an expired one, with one of another root, or without TLS there is no connection at all
  (UNAVAILABLE); a certificate whose name is not of this trust domain gets UNAUTHENTICATED, reason \`CALLER_UNKNOWN\`.
- **End user** is whose access token has to come along as \`authorization: Bearer …\`. Without one it is UNAUTHENTICATED, reason \`USER_TOKEN_MISSING\`. _Own_ means that the field named has to hold the
  user's own id: that of another user is answered with NOT_FOUND, as one that is not there. Administrators may name anybody. _Administrator_ refuses everybody else with PERMISSION_DENIED,
  reason \`USER_NOT_ALLOWED\`.
- **In the registry** a ✓ for \`HoldLease\`, \`Register\`, \`Heartbeat\` and \`Deregister\` is for instances of the caller's own service. Those of another are refused with PERMISSION_DENIED, reason
  \`SERVICE_OF_ANOTHER\`.

The reasons are in [Errors](errors.md), and what is written about refusals in [Operations](operations.md#refusals).
`;

/**
 * The page docs/authorization.md: a table for each service, with a row for each method and a column for each identity.
 *
 * @param known identities that have a column, whether a contract names them or not.
 */
export function authorizationDocument(contracts: readonly MethodContract[], known: readonly string[]): string {
  const named = contracts.flatMap(({ callers }) => callers).filter((name) => name !== ANYBODY);
  const identities = [...new Set([...named, ...known])].sort();
  const sections = [...Map.groupBy(contracts, ({ service }) => service)]
    .sort(([a, [one]], [b, [other]]) => Number(one?.infrastructure) - Number(other?.infrastructure) || (a < b ? -1 : 1))
    .map(([service, methods]) => `## ${service}\n\n${table(methods, identities)}`);
  return [INTRODUCTION, ...sections].join("\n");
}

function table(methods: readonly MethodContract[], identities: readonly string[]): string {
  const rows = methods.map((contract) => [
    `\`${contract.method}\``,
    endUserOf(contract),
    ...[...identities, ANY_OTHER].map((name) => (mayCall(contract, name) ? "✓" : "–")),
  ]);
  return markdownTable([["method", "end user", ...identities, ANY_OTHER], ...rows]);
}

function mayCall({ callers }: MethodContract, name: string): boolean {
  return callers.includes(ANYBODY) || callers.includes(name);
}

function endUserOf({ endUser, endUserField }: MethodContract): string {
  if (endUser === EndUser.END_USER_ADMIN) return "administrator";
  if (endUser !== EndUser.END_USER_SIGNED_IN) return "–";
  if (endUserField === undefined) return "signed in";
  return `own \`${endUserField.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}\``;
}
