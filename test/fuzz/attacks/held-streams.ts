import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { UploadChunksRequest } from "../../../gen/bookstore/documents/v1/upload_service.ts";
import type { MethodContract } from "../../../runtime/contracts.ts";
import { frame } from "../../support/raw-call.ts";
import { headersOf } from "../caller.ts";
import { validRequest } from "../message-tree.ts";
import { allMethods } from "../methods.ts";
import { UPLOAD_ID, USER_ID } from "../values.ts";
import { encode } from "../wire.ts";
import { type Attack, contractAt, ECHO, ECHO_STREAM, type Ground, share } from "./attack.ts";

const CONNECTIONS = 4;
/** On all connections: as many as a server lets be open on those. */
const STREAMS = 8_000;
/** Longer than what it takes to look twice. */
const HOLD_MS = 3_000;
/** With less, Node refuses streams of this side before they get anywhere. */
const ENOUGH_MB = 4_000;
/** Before more are opened, what the ones before have sent has to be on its way. */
const BURST = 100;

interface Held {
  readonly name: string;
  readonly path: string;
  /** What is sent on each stream. */
  readonly body: (contract: MethodContract, ground: Ground) => Buffer;
  /** Whether the request is ended. */
  readonly ended: boolean;
  /** Whether what comes is read. */
  readonly reads: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** How many. The default is as many as there can be. */
  readonly count?: number;
}

/** Opens as many streams as it can, and holds them. */
function held({ name, path, body, ended, reads, headers = {}, count = STREAMS }: Held): Attack {
  return {
    name,
    async run(ground) {
      const contract = contractAt(path);
      const place = ground.placeOf(contract.service);
      const bytes = body(contract, ground);
      const endings = { streams: 0, ended: 0, "held to the end": 0 };
      const one = async () => {
        const session = open(place.port, reads);
        const streams: ClientHttp2Stream[] = [];
        for (let i = 0; i < share(count / CONNECTIONS, ground) && !session.destroyed; i++) {
          const stream = session.request({ ...headersOf(contract, place), ...headers }, { endStream: false });
          stream.on("error", () => {});
          if (reads) stream.resume();
          if (ended) stream.end(bytes);
          else stream.write(bytes);
          streams.push(stream);
          if (i % BURST === BURST - 1) await pause(10);
        }
        // Answered when the server has seen all of them.
        if (!session.destroyed) await new Promise((resolve) => session.ping(resolve));
        await pause(HOLD_MS * ground.scale);
        const over = streams.filter(({ destroyed, closed }) => destroyed || closed).length;
        endings.streams += streams.length;
        endings.ended += over;
        endings["held to the end"] += streams.length - over;
        session.destroy();
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, one));
      return endings;
    },
  };
}

function open(port: number, reads: boolean): ClientHttp2Session {
  const settings = reads ? {} : { settings: { initialWindowSize: 0 } };
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: ENOUGH_MB, ...settings });
  session.on("error", () => {});
  session.setMaxListeners(0);
  return session;
}

/** A message of the largest size that the contract allows, without its last byte. */
const butOneByte = ({ maxRequestBytes }: MethodContract) => frame(Buffer.alloc(maxRequestBytes)).subarray(0, -1);
const nothing = () => Buffer.alloc(0);

function valid({ path }: MethodContract, { random }: Ground): Buffer {
  const method = allMethods().find(({ contract }) => contract.path === path);
  if (method === undefined) throw new Error(`no method ${path}`);
  return frame(encode(validRequest(method.input, { registry: method.registry, random, variant: 0 })));
}

const PUSH = "/bookstore.push.v1.PushService/Push";
const UPLOAD = "/bookstore.documents.v1.UploadService/UploadChunks";
const HOLD_LEASE = "/mesh.registry.v1.RegistryService/HoldLease";
const XDS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
/** A registry is there for thousands: their streams are not what it is not to keep. */
const XDS_CLIENTS = 1_000;
const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const HEALTH_WATCH = "/grpc.health.v1.Health/Watch";
const GZIP = { "grpc-encoding": "gzip" };

/** Asks for a file, which is the longest answer that reflection has, as often as fits. */
const askForFiles = () => {
  const question = Buffer.from("2213626f6f6b73746f72652e707573682e7631", "hex");
  return Buffer.concat(Array(200).fill(frame(question)));
};
/** A stream of a million long texts. */
const askForMuch = () =>
  frame(Buffer.concat([Buffer.from([0x0a, 0xd0, 0x0f]), Buffer.alloc(2_000, 0x61), Buffer.from([0x10, 0xc0, 0x84, 0x3d])]));
/** Two megabytes of an upload: the same bytes again and again, which it takes once. */
const someChunks = () => {
  const chunk = { userId: USER_ID, uploadId: UPLOAD_ID, offset: 0n, data: Buffer.alloc(262_144, "x") };
  return many(frame(UploadChunksRequest.encode(chunk).finish()), 8);
};
const many = (bytes: Buffer, count: number) => Buffer.concat(Array(count).fill(bytes));

export const heldStreams: readonly Attack[] = [
  held({ name: "unfinished requests, Push", path: PUSH, body: butOneByte, ended: false, reads: true }),
  held({ name: "unfinished requests, HoldLease", path: HOLD_LEASE, body: butOneByte, ended: false, reads: true }),
  held({ name: "unfinished requests, xDS", path: XDS, body: butOneByte, ended: false, reads: true, count: XDS_CLIENTS }),
  held({ name: "unfinished requests, UploadChunks", path: UPLOAD, body: butOneByte, ended: false, reads: true }),
  held({ name: "unfinished requests, echo", path: ECHO, body: butOneByte, ended: false, reads: true }),
  held({ name: "calls that send nothing", path: ECHO, body: nothing, ended: false, reads: true }),
  held({ name: "streams that send nothing", path: ECHO_STREAM, body: nothing, ended: false, reads: true }),
  held({ name: "requests that do not end", path: PUSH, body: valid, ended: false, reads: true }),
  held({ name: "watchers of health", path: HEALTH_WATCH, body: valid, ended: true, reads: true }),
  held({ name: "streams of reflection", path: REFLECTION, body: nothing, ended: false, reads: true }),
  held({ name: "questions to reflection, answers not read", path: REFLECTION, body: askForFiles, ended: false, reads: false }),
  held({ name: "streams of xDS", path: XDS, body: valid, ended: false, reads: true, count: XDS_CLIENTS }),
  held({ name: "leases", path: HOLD_LEASE, body: valid, ended: false, reads: true }),
  held({
    name: "watchers of books, answers not read",
    path: "/bookstore.marketplace.v1.MarketplaceService/WatchBooks",
    body: () => frame(Buffer.alloc(0)),
    ended: true,
    reads: false,
    // Each begins with all books there are.
    count: 1_000,
  }),
  held({
    name: "lists of books, answers not read",
    path: "/bookstore.marketplace.v1.MarketplaceService/ListBooks",
    body: () => frame(Buffer.from([0x10, 100])),
    ended: true,
    reads: false,
  }),
  held({ name: "uploads that do not end", path: UPLOAD, body: someChunks, ended: false, reads: true, count: 200 }),
  held({
    name: "downloads, answers not read",
    path: "/bookstore.documents.v1.DocumentsService/DownloadSample",
    // Of book 1.
    body: () => frame(Buffer.from([0x08, 1])),
    ended: true,
    reads: false,
  }),
  held({ name: "streams of much, answers not read", path: ECHO_STREAM, body: askForMuch, ended: true, reads: false }),
  held({ name: "streams of much", path: ECHO_STREAM, body: askForMuch, ended: true, reads: true }),
  held({
    name: "bombs at once",
    path: PUSH,
    body: () => frame(gzipSync(Buffer.alloc(1_000_000)), 1),
    ended: true,
    reads: true,
    headers: GZIP,
  }),
  held({
    name: "many messages in one call",
    path: "/bookmesh.testing.v1.EchoService/BidiStreaming",
    body: () => many(frame(Buffer.alloc(0)), 10_000),
    ended: false,
    reads: false,
  }),
];

/** Of each kind one. */
export const fewHeldStreams = heldStreams.filter(({ name }) =>
  ["unfinished requests, echo", "watchers of health", "lists of books, answers not read"].includes(name),
);
