import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { ScalarType } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { contracts } from "../runtime/contracts.ts";
import { fieldPolicyOf } from "../runtime/field-rules.ts";
import { startMailServer } from "../services/push/testing-smtp.ts";
import { meshContracts } from "../tools/authorization-document.ts";
import { Canaries, type Canary } from "./support/canaries.ts";
import { CanaryCalls } from "./support/canary-calls.ts";
import { CanaryPages } from "./support/canary-pages.ts";
import { Shop } from "./support/shop.ts";

/** What a log says of the values of a caller. Nothing else, and nothing sensitive, may be in it. */
const LOGGED = [
  // Who was pushed to, or was to be, and in which language and country that user is.
  "bookstore.push.v1.PushRequest.user_id",
  "bookstore.reviews.v1.PostCommentRequest.author_user_id",
  "language in a body",
  "country in a body",
  // What the operator has changed or wanted to change.
  "mesh.registry.v1.SetSplitRequest.service",
  "mesh.registry.v1.SetFaultRequest.service",
  "mesh.registry.v1.SetBalancingRequest.service",
  "mesh.registry.v1.Balancing.hash_header",
  "mesh.registry.v1.EjectInstanceRequest.instance_id",
  "mesh.registry.v1.RestoreRequest.target",
  // Who has registered, by gRPC or by HTTP.
  "mesh.registry.v1.Instance.id",
  "mesh.registry.v1.Instance.service",
  "name in a body",
  // Which clients of xDS are there.
  "DiscoveryRequest.node.id",
  "DiscoveryRequest.node.cluster",
  "DiscoveryRequest.node.user_agent_name",
  "DiscoveryRequest.type_url",
  "DiscoveryRequest.error_detail",
];

/** What an error says of the values of its caller. */
const NAMED_IN_ERRORS = [
  "mesh.registry.v1.GetServiceRequest.service",
  "mesh.registry.v1.SetSplitRequest.service",
  "mesh.registry.v1.SetFaultRequest.service",
  "mesh.registry.v1.SetBalancingRequest.service",
  "mesh.registry.v1.HeartbeatRequest.instance_id",
  "mesh.registry.v1.EjectInstanceRequest.instance_id",
  "mesh.registry.v1.RestoreRequest.target",
  "mesh.registry.v1.Instance.service",
];

/** What the page of the registry shows. */
const ON_THE_DASHBOARD = /^(mesh\.registry\.v1\.(Instance|Balancing)\.|DiscoveryRequest\.|name in a body|the path of a URL)/;

/** What a page of the shop shows again to who has sent it, in the form that it came from and in links back. */
const SHOWN_AGAIN =
  /^((email|name|language|country|next|text|content|quantity) in a body|\w+ in a query|a path|the header referer)$/;

/** What users are shown of what is their own. */
const OF_THE_ACCOUNT = [
  ...["the name of an account", "the e-mail address of an account", "the text of a notification"],
  ...["the name of a document", "the text of a document"],
];

/** What the pages of books show to everybody. */
const OF_BOOKS = [
  ...["the name of an account", "the text of a review", "the text of a comment"],
  ...["the name of a sample", "the text of a sample"],
];

/** How fields are called that hold secrets. The token of a page is none. */
const SECRET = /^(?!(next_)?page_token$).*(password|token|e_?mail|secret|client_address)$/;

const canaries = new Canaries();
let calls: CanaryCalls;
const shop = new CanaryPages(canaries);
const programs = new CanaryPages(canaries);
let log: string;
let stderr: string;
let metrics: string;
let dashboard: string;

beforeAll(async () => {
  const signInPort = await freePort();
  await using mailServer = await startMailServer();
  const mail = { SMTP_URL: `smtp://127.0.0.1:${mailServer.port}?tls=never`, MAIL_FROM: "shop@shop.example" };
  const env = { LOG_LEVEL: "trace", REGISTER_HTTP_PORT: String(signInPort), ...mail, PUBLIC_URL: "http://shop.example" };
  await using mesh = await Shop.open({ env });
  await using canaryCalls = new CanaryCalls(mesh, canaries, mailServer.mails);
  calls = canaryCalls;
  const [user, administrator] = await Promise.all([calls.signIn(false), calls.signIn(true)]);
  await programs.signIn(`http://127.0.0.1:${signInPort}`, administrator);
  await programs.lookAtRegistry(mesh.dashboard);
  // Here the account gets another address.
  await shop.visitShop(mesh.storefront, administrator, await calls.belongingsOf(administrator, administrator));
  await calls.callEverything(user, await calls.belongingsOf(user, administrator), administrator);
  await calls.knock();
  const shown = ["/", "/services"].map(async (path) => (await fetch(mesh.dashboard + path)).text());
  dashboard = (await Promise.all(shown)).join("\n");
  const processes = Object.keys(mesh.grpc).flatMap((name) => mesh.processesOf(name));
  const measured = processes.map(({ adminPort }) => programs.lookAtProcess(`http://127.0.0.1:${adminPort}`));
  metrics = (await Promise.all(measured)).join("\n");
  await mesh.stop();
  log = mesh.lines.map((line) => JSON.stringify(line)).join("\n");
  stderr = mesh.stderr;
}, 180_000);

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Where canaries come from that a text holds. */
function fieldsIn(text: string, which: (canary: Canary) => boolean = () => true): string[] {
  const found = canaries.in(text).filter(which);
  return [...new Set(found.map(({ field }) => field))];
}

const sensitive = (canary: Canary) => canary.sensitive;

test("canaries came to every method, and every method but these has answered in earnest", () => {
  const answered = new Set(calls.answers.filter(({ outcome }) => outcome.status === "OK").map(({ path }) => path));

  // No event is set aside; an account is what all others need; of a service with one instance none can be taken out.
  expect(meshContracts.map(({ path }) => path).filter((path) => !answered.has(path))).toEqual([
    "/bookstore.events.v1.EventConsumerService/DropSetAsideEvent",
    "/bookstore.register.v1.RegisterService/DeleteUser",
    "/mesh.registry.v1.TrafficService/EjectInstance",
  ]);
  expect(calls.answers.filter(({ outcome }) => outcome.status === "INTERNAL" || outcome.status === "UNKNOWN")).toEqual([]);
  expect(canaries.count).toBeGreaterThan(5_000);
  expect(log.split('"call finished"').length).toBeGreaterThan(calls.answers.length / 2);
  expect(shop.answers.length).toBeGreaterThan(500);
  expect(programs.answers.length).toBeGreaterThan(80);
});

test("nothing sensitive is in a log, and nothing at all that is not meant to be", () => {
  expect(fieldsIn(log, sensitive)).toEqual([]);
  expect(fieldsIn(log).filter((field) => !LOGGED.includes(field))).toEqual([]);
});

test("nothing is on standard error", () => {
  expect(fieldsIn(stderr)).toEqual([]);
});

test("nothing is in the metrics", () => {
  expect(metrics).toContain("grpc_server_handled_total{");
  expect(fieldsIn(metrics)).toEqual([]);
});

test("nothing sensitive is in an error, and nothing at all that is not meant to be", () => {
  const errors = calls.answers.filter(({ outcome }) => outcome.status !== "OK");
  const said = errors.map(({ outcome }) => JSON.stringify(outcome)).join("\n");

  expect(errors.length).toBeGreaterThan(300);
  expect(fieldsIn(said, sensitive)).toEqual([]);
  expect(fieldsIn(said).filter((field) => !NAMED_IN_ERRORS.includes(field))).toEqual([]);
});

test("violations name fields, and never what was in them", () => {
  const violations = calls.answers.flatMap(({ outcome }) => outcome.violations);

  expect(violations.length).toBeGreaterThan(150);
  expect(fieldsIn(JSON.stringify(violations))).toEqual([]);
});

test("nothing sensitive is on the page of the registry", () => {
  expect(dashboard).toContain("gateway-1");
  expect(fieldsIn(dashboard, sensitive)).toEqual([]);
  expect(fieldsIn(dashboard).filter((field) => !ON_THE_DASHBOARD.test(field))).toEqual([]);
});

test("a page of the shop shows nobody a password or a token, and what was sent only in the form it came from and in links back", () => {
  const shown = shop.answers.flatMap(({ asked, text, signedIn }) =>
    fieldsIn(text)
      .filter((field) => !SHOWN_AGAIN.test(field) && !(signedIn && OF_THE_ACCOUNT.includes(field)))
      .filter((field) => !(asked.includes(" /books/") && OF_BOOKS.includes(field)))
      .map((field) => `${asked}: ${field}`),
  );

  const everything = shop.answers.map(({ text }) => text).join("\n");
  expect(fieldsIn(everything)).toEqual(expect.arrayContaining([...OF_THE_ACCOUNT, ...OF_BOOKS]));
  expect(shown).toEqual([]);
});

test("what answers programs over HTTP gives tokens to who signs in, users themselves, and repeats nothing", () => {
  const repeated = programs.answers.filter(({ text }) => fieldsIn(text).length > 0);

  expect(new Set(repeated.map(({ asked, status }) => `${asked.replace(/\d+/, "<id>")} ${status}`))).toEqual(
    new Set(["POST /auth 200", "POST /login 200", "GET /users/<id> 200"]),
  );
});

test("no token and no hash of a password is anywhere", () => {
  const said = calls.answers.filter(({ outcome }) => outcome.status !== "OK").map(({ outcome }) => JSON.stringify(outcome));

  expect([log, stderr, metrics, dashboard, ...said].join("\n")).not.toMatch(/eyJ[\w-]{10}|argon2/);
});

test("every field that holds a password, a token or an e-mail address is marked as sensitive", () => {
  const messages = [...contracts.files]
    .filter(({ proto }) => /^(bookstore|mesh)\./.test(proto.package))
    .flatMap((file) => [...nestedTypes(file)])
    .filter((type) => type.kind === "message");
  const texts = messages.flatMap(({ fields }) => fields).filter(({ scalar }) => scalar === ScalarType.STRING);
  const secret = texts.filter(({ name }) => SECRET.test(name));

  expect(secret.length).toBeGreaterThan(10);
  expect(secret.filter((field) => !fieldPolicyOf(contracts, field).sensitive).map(String)).toEqual([]);
});
