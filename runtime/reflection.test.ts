import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient, Status } from "nice-grpc";
import { ServerReflectionDefinition, type ServerReflectionRequest } from "../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflectionDefinition as ServerReflectionAlphaDefinition } from "../gen/grpc/reflection/v1alpha/reflection.ts";
import { type Dummy, dummyClient } from "../test/support/dummy-client.ts";

type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;

const ECHO = "bookmesh/testing/v1/echo_service.proto";

let dummy: Dummy;
beforeAll(async () => {
  dummy = await dummyClient();
});
afterAll(() => dummy[Symbol.asyncDispose]());

const versions = [
  ["v1", ServerReflectionDefinition],
  ["v1alpha", ServerReflectionAlphaDefinition],
] as const;

test.each(versions)("lists the services of the server in %s", async (_version, definition) => {
  const [answer] = await ask([{ $case: "listServices", value: "" }], definition);

  expect(answer).toEqual({
    $case: "listServicesResponse",
    value: {
      service: [
        { name: "bookmesh.testing.v1.EchoService" },
        { name: "bookmesh.testing.v1.HurriedEchoService" },
        { name: "grpc.health.v1.Health" },
        { name: "grpc.reflection.v1.ServerReflection" },
        { name: "grpc.reflection.v1alpha.ServerReflection" },
      ],
    },
  });
});

test.each(versions)("gives a file with everything that it imports in %s", async (_version, definition) => {
  const files = await filesOf({ $case: "fileByFilename", value: ECHO }, definition);

  expect(files[0]?.name).toBe(ECHO);
  const [echo] = files;
  if (echo === undefined) throw new Error("no file");
  // Throws if an import is missing.
  const registry = createFileRegistry(echo, (name) => files.find((file) => file.name === name));
  expect(registry.getService("bookmesh.testing.v1.EchoService")?.methods).toHaveLength(5);
});

test.each([
  ["a service", "bookmesh.testing.v1.EchoService", ECHO],
  ["a method", "bookmesh.testing.v1.EchoService.Unary", ECHO],
  ["a message", "bookmesh.testing.v1.EchoRequest", ECHO],
  ["a field", "bookmesh.testing.v1.EchoRequest.text", ECHO],
  ["an enum", "bookmesh.testing.v1.Colour", ECHO],
  ["an extension", "mesh.policy.v1.method", "mesh/policy/v1/policy.proto"],
  ["a service without a package", "Recommendations", "recommendations.proto"],
  ["a method of a service without a package", "Recommendations.Recommend", "recommendations.proto"],
])("finds the file that declares %s", async (_name, symbol, file) => {
  const [found] = await filesOf({ $case: "fileContainingSymbol", value: symbol });

  expect(found?.name).toBe(file);
});

test("finds the file that declares an extension by its number", async () => {
  const value = { containingType: "google.protobuf.MethodOptions", extensionNumber: 50_051 };

  const [found] = await filesOf({ $case: "fileContainingExtension", value });

  expect(found?.name).toBe("mesh/policy/v1/policy.proto");
});

test("lists the numbers of all extensions of a type", async () => {
  const [answer] = await ask([{ $case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" }]);

  expect(answer).toEqual({
    $case: "allExtensionNumbersResponse",
    value: { baseTypeName: "google.protobuf.MethodOptions", extensionNumber: expect.arrayContaining([50_051]) },
  });
});

test.each<[string, Question]>([
  ["a file", { $case: "fileByFilename", value: "no/such/file.proto" }],
  ["a symbol", { $case: "fileContainingSymbol", value: "no.such.Symbol" }],
  ["a symbol without a package", { $case: "fileContainingSymbol", value: "Nothing" }],
  ["an empty symbol", { $case: "fileContainingSymbol", value: "" }],
  ["a method", { $case: "fileContainingSymbol", value: "bookmesh.testing.v1.EchoService.Nothing" }],
  ["a field", { $case: "fileContainingSymbol", value: "bookmesh.testing.v1.EchoRequest.nothing" }],
  [
    "an extension",
    { $case: "fileContainingExtension", value: { containingType: "google.protobuf.MethodOptions", extensionNumber: 1 } },
  ],
  ["a type with extensions", { $case: "allExtensionNumbersOfType", value: "no.such.Type" }],
])("answers NOT_FOUND to a question for %s that is not there", async (_name, question) => {
  const [answer] = await ask([question]);

  expect(answer).toMatchObject({ $case: "errorResponse", value: { errorCode: Status.NOT_FOUND } });
});

test("answers every question of a stream in turn, also after one that it cannot answer", async () => {
  const answers = await ask([
    { $case: "fileContainingSymbol", value: "no.such.Symbol" },
    undefined,
    { $case: "listServices", value: "" },
  ]);

  expect(answers).toMatchObject([
    { $case: "errorResponse", value: { errorCode: Status.NOT_FOUND } },
    { $case: "errorResponse", value: { errorCode: Status.INVALID_ARGUMENT } },
    { $case: "listServicesResponse" },
  ]);
});

test("repeats host and question in its answer", async () => {
  const request = { host: "books.example.com", messageRequest: { $case: "listServices" as const, value: "*" } };
  const requests = async function* () {
    yield request;
  };

  const { serverReflectionInfo } = createClient(ServerReflectionDefinition, dummy.channel);
  const answers = await Array.fromAsync(serverReflectionInfo(requests()));

  expect(answers).toMatchObject([{ validHost: request.host, originalRequest: request }]);
});

/** The answers of the server on one stream. */
async function ask(
  questions: readonly (Question | undefined)[],
  definition: (typeof versions)[number][1] = ServerReflectionDefinition,
) {
  const requests = async function* () {
    for (const messageRequest of questions) yield { messageRequest };
  };
  const answers: unknown[] = [];
  const client = createClient(definition as typeof ServerReflectionDefinition, dummy.channel);
  for await (const { messageResponse } of client.serverReflectionInfo(requests())) answers.push(messageResponse);
  return answers;
}

async function filesOf(question: Question, definition?: (typeof versions)[number][1]): Promise<FileDescriptorProto[]> {
  const [answer] = (await ask([question], definition)) as { value: { fileDescriptorProto: Uint8Array[] } }[];
  return answer?.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes)) ?? [];
}
