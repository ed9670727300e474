import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectTcp } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Client, Metadata } from "@grpc/grpc-js";
import { EndUser } from "../../gen/mesh/policy/v1/policy.ts";
import { BalancingPolicy } from "../../gen/mesh/registry/v1/traffic_service.ts";
import { type MethodContract, methodContract } from "../../runtime/contracts.ts";
import type { ReceivedMail } from "../../services/push/testing-smtp.ts";
import { adsContract } from "../../services/registry/xds/contract.ts";
import { encode } from "../../services/registry/xds/protos.ts";
import { meshContracts } from "../../tools/authorization-document.ts";
import { serversOf } from "../../tools/servers.ts";
import { anyClient, callAny, descriptionOf, type Outcome, requestWith } from "./any-call.ts";
import { type Canaries, type Fixed, plantedRequests } from "./canaries.ts";
import { type Belongings, makeBelongings } from "./canary-belongings.ts";
import { SERVED_BY_ALL } from "./every-service.ts";
import type { Shop } from "./shop.ts";

/** What a caller was told. */
export interface Answer {
  readonly path: string;
  /** Which canaries came with the question. */
  readonly matter: string;
  readonly outcome: Outcome;
}

interface EncodedRequest {
  readonly matter: string;
  readonly request: Uint8Array;
}

/** Who calls, and for whom. */
interface As {
  readonly caller: string;
  readonly token: string | undefined;
}

const LISTENERS = "type.googleapis.com/envoy.config.listener.v3.Listener";

/** Somebody who has an account and is signed in. */
export interface SignedIn {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

const REGISTER = "/bookstore.register.v1.RegisterService/Register";
const SIGN_IN = "/bookstore.register.v1.SessionService/SignIn";
const SET_ADMINISTRATOR = "/bookstore.register.v1.SessionService/SetAdministrator";
const PUSH = "/bookstore.push.v1.PushService/Push";
const REGISTRY = "mesh.registry.v1.RegistryService";
/** What others need is not to be taken away by these. */
const DESTRUCTIVE = ["DeleteUser", "Deregister"];
/** Who may call what people do from outside. */
const GATEWAY = "gateway";
/** An identity of which no contract speaks. */
const NOBODY = "nobody";
/** How long a subscription waits for what does not come. */
const SUBSCRIPTION_MS = 500;

/** What there really is, for calls that are to be answered. */
function realFields(user: SignedIn, belongings: Belongings): Fixed {
  const real: Readonly<Record<string, unknown>> = {
    ...belongings.fields,
    ...{ user_id: user.id, refresh_token: user.refreshToken, current_password: user.password, page_token: "" },
    ...{ service: "gateway", instance_id: "gateway-1", target: "gateway", address: "127.0.0.1", percent: 100, version: "v1" },
    "mesh.registry.v1.Instance.id": "gateway-1",
    "mesh.registry.v1.Balancing.policy": BalancingPolicy.BALANCING_POLICY_RING_HASH,
    "grpc.health.v1.HealthCheckRequest.service": "",
    "bookstore.register.v1.SignInRequest.email": user.email,
    "bookstore.register.v1.SignInRequest.password": user.password,
    "bookstore.register.v1.CheckRegisteredRequest.email": user.email,
  };
  return (field) => real[field] ?? real[field.slice(field.lastIndexOf(".") + 1)];
}

/** Calls the methods of a shop with canaries in everything that can be sent. Bind it with `await using`. */
export class CanaryCalls implements AsyncDisposable {
  readonly answers: Answer[] = [];
  readonly #shop: Shop;
  readonly #canaries: Canaries;
  readonly #mails: readonly ReceivedMail[];
  readonly #clients = new Map<string, Promise<Client>>();

  /** @param mails what the mail server of the shop has taken, now and later. */
  constructor(shop: Shop, canaries: Canaries, mails: readonly ReceivedMail[]) {
    this.#shop = shop;
    this.#canaries = canaries;
    this.#mails = mails;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) (await client).close();
  }

  /** Makes an account whose address and password are canaries, with one notification, and signs in with it. */
  async signIn(administrator: boolean): Promise<SignedIn> {
    const canaries = this.#canaries;
    const email = `${canaries.plant("the e-mail address of an account", true)}@shop.example`;
    const password = canaries.plant("the password of an account", true);
    const name = canaries.plant("the name of an account", false);
    const { user } = await this.#ask(REGISTER, { email, password, name, language: "en", country: "GB" });
    const { id } = user as { id: string };
    await this.#ask(PUSH, { userId: id, content: canaries.plant("the text of a notification", true) });
    if (administrator) await this.#ask(SET_ADMINISTRATOR, { userId: id, administrator }, { caller: "operator" });
    const clientAddress = canaries.plantAddress("the address of an end user");
    const { session } = await this.#ask(SIGN_IN, { email, password, clientAddress });
    const { accessToken, refreshToken } = session as Pick<SignedIn, "accessToken" | "refreshToken">;
    for (const part of [accessToken, accessToken.split(".")[2] ?? ""]) canaries.plantSecret(part, "an access token");
    canaries.plantSecret(refreshToken, "a refresh token");
    return { id, email, password, accessToken, refreshToken };
  }

  /** Makes what a user can have in the shop. */
  belongingsOf(user: SignedIn, administrator: SignedIn): Promise<Belongings> {
    const { accessToken: token } = user;
    return makeBelongings(
      {
        ask: (path, fields, as) => this.#ask(path, fields, { token, ...as }),
        tryTo: async (path, fields) => (await this.#askFor(path, fields, { caller: GATEWAY, token })).status,
        unsubscribeToken: (email) => this.#unsubscribeToken(email),
      },
      { canaries: this.#canaries, user, administrator },
    );
  }

  /** Calls every method: allowed and refused, with users and without, with requests that are right and wrong. */
  async callEverything(user: SignedIn, belongings: Belongings, administrator: SignedIn): Promise<void> {
    const fixed = realFields(user, belongings);
    // Instances first: what is set for traffic is set for one of them.
    const byName = meshContracts.toSorted((a, b) => Number(b.service === REGISTRY) - Number(a.service === REGISTRY));
    for (const contract of byName) {
      const servers = SERVED_BY_ALL.includes(contract.service) ? Object.keys(this.#shop.grpc) : serversOf(contract.service);
      await Promise.all(servers.map((server) => this.#callMethod(server, contract, { fixed, user, administrator })));
    }
  }

  async #callMethod(
    server: string,
    contract: MethodContract,
    { fixed, user, administrator }: { fixed: Fixed; user: SignedIn; administrator: SignedIn },
  ): Promise<void> {
    const { callers, endUser } = contract;
    const caller = callers.includes("*") || callers.includes(GATEWAY) ? GATEWAY : (callers[0] ?? NOBODY);
    const falseToken = () => this.#canaries.plant("an access token that is none", true);
    const asks = endUser !== EndUser.END_USER_NONE;
    const anything = this.#requestsOf(contract);
    const real = DESTRUCTIVE.includes(contract.method) ? [] : this.#requestsOf(contract, fixed);
    const [right] = anything;
    const knownToken = endUser === EndUser.END_USER_ADMIN ? administrator.accessToken : user.accessToken;
    const calls = [
      ...anything.map((request) => ({ caller, token: asks ? administrator.accessToken : falseToken(), ...request })),
      ...real.map((request) => ({ caller, token: asks ? knownToken : falseToken(), ...request })),
      { caller, token: falseToken(), ...right },
      { caller, token: `${falseToken()}.${falseToken()}.${"x".repeat(86)}`, ...right },
      { caller, token: undefined, ...right },
      { caller: NOBODY, token: administrator.accessToken, ...right },
    ];
    await Promise.all(calls.map((call) => this.#call(server, contract, call)));
  }

  /** Sends what is no call at all to every server: over a secured connection, and over one that never will be. */
  async knock(): Promise<void> {
    for (const [server, address] of Object.entries(this.#shop.grpc)) {
      const { hostname, port } = new URL(`http://${address}`);
      const credentials = await this.#shop.credentials(GATEWAY);
      const open = () => connectTcp(Number(port), hostname);
      const plain = open().on("error", () => {});
      plain.end(`GET /${this.#plant("the path")} HTTP/1.1\r\nauthorization: ${this.#plant("the header authorization")}\r\n\r\n`);
      await once(plain, "close");
      const secured = await credentials.secure(open(), server);
      const session = connectHttp2(`https://${server}`, { createConnection: () => secured });
      await Promise.all(this.#oddHeaders().map((headers) => answerTo(session, headers)));
      session.close();
    }
  }

  #oddHeaders(): OutgoingHttpHeaders[] {
    const call = () => ({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      te: "trailers",
      "content-type": "application/grpc",
      authorization: `Bearer ${this.#plant("the header authorization")}`,
    });
    return [
      { ...call(), ":path": `/${this.#plant("the path")}.v1.Service/${this.#plant("the path")}` },
      { ...call(), ":path": `/grpc.health.v1.Health/Check?token=${this.#plant("the path")}` },
      { ...call(), ":method": "GET" },
      { ...call(), "content-type": `text/${this.#plant("the header content-type")}` },
      { ...call(), "grpc-timeout": this.#plant("the header grpc-timeout") },
      { ...call(), "grpc-encoding": this.#plant("the header grpc-encoding") },
      { ...call(), "broken-bin": `!${this.#plant("the header broken-bin")}!` },
      { ...call(), [this.#plant("the name of a header")]: "\u00fc" },
    ];
  }

  #plant(what: string): string {
    return this.#canaries.plant(what, true);
  }

  #requestsOf(contract: MethodContract, fixed?: Fixed): [EncodedRequest, ...EncodedRequest[]] {
    if (contract === adsContract) return this.#discoveryRequests();
    const { input } = descriptionOf(contract);
    const requests = plantedRequests(input, this.#canaries, fixed);
    return requests.map(({ matter, fields }) => ({ matter, request: toBinary(input, create(input, fields)) })) as never;
  }

  #discoveryRequests(): [EncodedRequest, ...EncodedRequest[]] {
    const plant = (field: string) => this.#canaries.plant(`DiscoveryRequest.${field}`, false);
    const encoded = (fields: object): EncodedRequest => {
      const node = { id: plant("node.id"), cluster: plant("node.cluster"), user_agent_name: plant("node.user_agent_name") };
      const request = { node, type_url: LISTENERS, resource_names: [plant("resource_names")], ...fields };
      return { matter: "a request of xDS", request: encode("envoy.service.discovery.v3.DiscoveryRequest", request) };
    };
    const refusal = { code: 3, message: plant("error_detail") };
    return [
      encoded({ response_nonce: plant("response_nonce") }),
      encoded({ type_url: plant("type_url") }),
      encoded({ version_info: "1", response_nonce: "1", error_detail: refusal }),
      encoded({ node: { id: plant("node.id").repeat(99) } }),
      encoded({ resource_names: [plant("resource_names").repeat(99)] }),
    ];
  }

  async #call(
    server: string,
    contract: MethodContract,
    { caller, token, matter, request }: EncodedRequest & As,
  ): Promise<Outcome> {
    const canaries = this.#canaries;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    for (const name of ["x-canary", "cookie", "traceparent", "tracestate", "baggage", "grpc-previous-rpc-attempts"]) {
      metadata.set(name, canaries.plant(`the header ${name}`, true));
    }
    metadata.set("x-canary-bin", Buffer.from(canaries.plant("the header x-canary-bin", true)));
    const patience = contract.method === "Subscribe" ? { deadlineMs: SUBSCRIPTION_MS } : {};
    const outcome = await callAny(await this.#clientOf(server, caller), contract, { metadata, request, ...patience });
    this.answers.push({ path: contract.path, matter, outcome });
    return outcome;
  }

  /** A call that has to succeed. @returns the response. */
  async #ask(path: string, fields: Record<string, unknown>, as: Partial<As> = {}): Promise<Record<string, unknown>> {
    const outcome = await this.#askFor(path, fields, { caller: GATEWAY, token: undefined, ...as });
    if (outcome.response === undefined) throw new Error(`${path}: ${outcome.status} ${outcome.message}`);
    const { output } = descriptionOf(methodContract(path));
    return fromBinary(output, outcome.response) as unknown as Record<string, unknown>;
  }

  #askFor(path: string, fields: Record<string, unknown>, as: As): Promise<Outcome> {
    const contract = methodContract(path);
    const [server = ""] = serversOf(contract.service);
    return this.#call(server, contract, { ...as, matter: "what somebody has", request: requestWith(contract, fields) });
  }

  #unsubscribeToken(email: string): string {
    const mail = this.#mails.findLast(({ to }) => to.includes(email));
    return /[?&]token=([\w-]+)/.exec(mail?.headers.get("list-unsubscribe") ?? "")?.[1] ?? "";
  }

  #clientOf(server: string, caller: string): Promise<Client> {
    const key = `${caller} ${server}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const options = { "grpc.primary_user_agent": this.#canaries.plant("the header user-agent", true) };
    const opened = this.#shop
      .credentials(caller)
      .then((credentials) => anyClient(String(this.#shop.grpc[server]), credentials.channel(server), options));
    this.#clients.set(key, opened);
    return opened;
  }
}

/** Resolves when an odd request has been answered, or its stream was broken. */
async function answerTo(session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<void> {
  const stream = session.request(headers).on("error", () => {});
  stream.resume().end();
  await once(stream, "close");
}
