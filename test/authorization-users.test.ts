import { callAny } from "./support/any-call.ts";
import { allowedIn, carrying, inWords, requestAbout, rows, startTriedMesh, type TriedMesh } from "./support/authorization.ts";
import { testUsers } from "./support/users.ts";

const HOUR_MS = 3_600_000;
/** Users who are not there. */
const [OTHER, NOT_THERE] = ["7999999", "7999998"];

const withUsers = rows.filter(({ endUser }) => endUser !== "–");
const strangers = testUsers();

let mesh: TriedMesh;
beforeAll(async () => {
  mesh = await startTriedMesh();
}, 60_000);
afterAll(() => mesh[Symbol.asyncDispose]());

/** The token that a call about a user carries, by who makes it. */
const TOKENS: Readonly<Record<string, (userId: string) => string | undefined>> = {
  nobody: () => undefined,
  "the user": (id) => mesh.users.tokenOf(id),
  "another user": () => mesh.users.tokenOf(OTHER),
  "an administrator": () => mesh.users.tokenOf(OTHER, { administrator: true }),
  "the user, whose token has expired": (id) => mesh.users.tokenOf(id, { expiresAt: new Date(Date.now() - HOUR_MS) }),
  "the user, by a token that others have signed": (id) => strangers.tokenOf(id),
  "the user, by a token for another audience": (id) => mesh.users.tokenOf(id, { claims: { aud: "https://elsewhere.example" } }),
  "the user, by a token that is none": () => "none",
};

const BY_ALL = {
  nobody: "UNAUTHENTICATED USER_TOKEN_MISSING",
  "an administrator": "passed",
  "the user, whose token has expired": "UNAUTHENTICATED USER_TOKEN_EXPIRED",
  "the user, by a token that others have signed": "UNAUTHENTICATED USER_TOKEN_INVALID",
  "the user, by a token for another audience": "UNAUTHENTICATED USER_TOKEN_INVALID",
  "the user, by a token that is none": "UNAUTHENTICATED USER_TOKEN_INVALID",
};
const NOT_ADMINISTRATOR = "PERMISSION_DENIED USER_NOT_ALLOWED";

/** What they are told, by what the column "end user" says. */
const VERDICTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "own `user_id`": { ...BY_ALL, "the user": "passed", "another user": "NOT_FOUND USER_NOT_FOUND" },
  "signed in": { ...BY_ALL, "the user": "passed", "another user": "passed" },
  administrator: { ...BY_ALL, "the user": NOT_ADMINISTRATOR, "another user": NOT_ADMINISTRATOR },
};

test.each(withUsers.flatMap((row) => allowedIn(row).map((caller) => [caller, row.contract.path, row.endUser, row] as const)))(
  "%s calls %s for this user: %s",
  async (caller, _path, endUser, { contract }) => {
    const client = await mesh.clientOf(mesh.serversOf(contract)[0], caller);

    const tried = Object.entries(TOKENS).map(async ([who, tokenOf]) => {
      const userId = await mesh.newUser();
      const metadata = carrying(tokenOf(userId));
      return [who, inWords(await callAny(client, contract, { metadata, request: requestAbout(contract, userId) }))];
    });

    expect(Object.fromEntries(await Promise.all(tried))).toEqual(VERDICTS[endUser]);
  },
);

test.each(
  withUsers.filter(({ contract }) => contract.endUserField !== undefined).map((row) => [row.contract.path, row] as const),
)("%s tells a user who asks for another what it tells of one who is not there", async (_path, row) => {
  const { contract } = row;
  const [caller = ""] = allowedIn(row);
  const client = await mesh.clientOf(mesh.serversOf(contract)[0], caller);
  const metadata = carrying(mesh.users.tokenOf(OTHER));

  const [ofAnother, ofNobody] = await Promise.all(
    [await mesh.newUser(), NOT_THERE].map((userId) =>
      callAny(client, contract, { metadata, request: requestAbout(contract, userId) }),
    ),
  );

  expect(ofAnother).toMatchObject({ status: "NOT_FOUND", reason: "USER_NOT_FOUND" });
  expect(ofAnother).toEqual(ofNobody);
});
