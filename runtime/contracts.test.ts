import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { LONE_METHOD, LONE_SERVICE, registryOf } from "../test/support/contracts.ts";
import { allContracts, ContractError, contracts, methodContract, serviceContract, serviceContractIn } from "./contracts.ts";

const POLICY = { callers: ["marketplace"], endUser: "END_USER_NONE", defaultDeadline: "2s" } satisfies JsonObject;

test("reads the policy of a method", () => {
  const policy = {
    ...POLICY,
    maxDeadline: "10s",
    maxRequestBytes: 1_024,
    retry: { maxAttempts: 3, initialBackoff: "0.05s", maxBackoff: "1s" },
  };

  expect(contractOf(policy, Idempotency.IDEMPOTENT)).toMatchObject({
    path: LONE_METHOD,
    service: LONE_SERVICE,
    method: "Call",
    kind: "unary",
    idempotent: true,
    infrastructure: false,
    callers: ["marketplace"],
    defaultDeadlineMs: 2_000,
    maxDeadlineMs: 10_000,
    maxRequestBytes: 1_024,
    retry: { maxAttempts: 3, initialBackoffMs: 50, maxBackoffMs: 1_000 },
  });
});

test("has defaults for what a policy does not say", () => {
  expect(contractOf(POLICY)).toMatchObject({
    idempotent: false,
    maxDeadlineMs: 2_000,
    maxRequestBytes: 65_536,
    retry: undefined,
  });
});

test.each([
  ["has no policy", undefined, "no mesh.policy.v1.method option"],
  ["does not say which end user it asks for", { ...POLICY, endUser: "END_USER_UNSPECIFIED" }, "end_user is not said"],
  ["has no default deadline", { ...POLICY, defaultDeadline: null }, "default_deadline must be more than zero"],
  ["has a default deadline of zero", { ...POLICY, defaultDeadline: "0s" }, "default_deadline must be more than zero"],
  [
    "may take less time than it takes by default",
    { ...POLICY, maxDeadline: "1s" },
    "max_deadline is shorter than default_deadline",
  ],
  [
    "takes requests larger than any connection",
    { ...POLICY, maxRequestBytes: 4_194_305 },
    "max_request_bytes must be at most 4194304",
  ],
  ["is tried again though it is not idempotent", { ...POLICY, retry: retry(3) }, "retry needs an idempotency_level"],
])("refuses a method that %s", (_name, policy, problem) => {
  expect(() => contractOf(policy)).toThrow(new ContractError(`${LONE_METHOD}: ${problem}`));
});

test.each([1, 6])("refuses a method that is tried %d times", (maxAttempts) => {
  expect(() => contractOf({ ...POLICY, retry: retry(maxAttempts) }, Idempotency.NO_SIDE_EFFECTS)).toThrow(
    new ContractError(`${LONE_METHOD}: retry.max_attempts must be 2 to 5`),
  );
});

test.each([
  ["has no pause before the second attempt", { maxAttempts: 2, maxBackoff: "1s" }],
  ["has no longest pause", { maxAttempts: 2, initialBackoff: "1s" }],
])("refuses a method whose retry %s", (_name, policy) => {
  expect(() => contractOf({ ...POLICY, retry: policy }, Idempotency.IDEMPOTENT)).toThrow(
    new ContractError(`${LONE_METHOD}: retry needs initial_backoff and max_backoff, which is not shorter`),
  );
});

test.each<[string, "INT32" | "STRING" | "BOOL" | "BYTES", boolean, JsonObject]>([
  ["string", "INT32", false, { string: { maxLen: 3 } }],
  ["integer", "STRING", false, { integer: { gte: 3 } }],
  ["integer", "BOOL", false, { integer: { gte: 3 } }],
  ["enum", "INT32", false, { enum: { definedOnly: true } }],
  ["repeated", "STRING", false, { repeated: { maxItems: 3 } }],
  ["string", "STRING", true, { string: { maxLen: 3 } }],
  ["string", "BYTES", true, { repeated: { items: { string: { maxLen: 3 } } } }],
])("refuses %s rules that no value of the field could break (%s, repeated: %s)", (kind, type, repeated, rules) => {
  const registry = registryOf({ policy: POLICY, field: { type, repeated, rules } });

  expect(() => serviceContractIn(registry, LONE_SERVICE)).toThrow(
    new ContractError(`${LONE_METHOD}: value cannot have ${kind} rules`),
  );
});

test("knows the field that must name the signed-in user", () => {
  const policy = { ...POLICY, endUser: "END_USER_SIGNED_IN", endUserField: "value" };
  const registry = registryOf({ policy, field: { type: "STRING" } });

  expect(serviceContractIn(registry, LONE_SERVICE).get(LONE_METHOD)?.endUserField).toBe("value");
});

test.each<[string, JsonObject, "STRING" | "INT32"]>([
  ["that is not there", { endUser: "END_USER_SIGNED_IN", endUserField: "other" }, "STRING"],
  ["that is no string", { endUser: "END_USER_SIGNED_IN", endUserField: "value" }, "INT32"],
  ["where nobody is signed in", { endUser: "END_USER_NONE", endUserField: "value" }, "STRING"],
])("refuses a field for the signed-in user %s", (_name, policy, type) => {
  const registry = registryOf({ policy: { ...POLICY, ...policy }, field: { type } });

  expect(() => serviceContractIn(registry, LONE_SERVICE)).toThrow(/end_user_field must be a string field of the request/);
});

test("knows no service and no method that is not in the contracts", () => {
  expect(() => serviceContract("bookmesh.testing.v1.NoSuchService")).toThrow(ContractError);
  expect(() => methodContract("/bookmesh.testing.v1.EchoService/NoSuchMethod")).toThrow(ContractError);
});

test.each([
  ["Unary", "unary"],
  ["ClientStreaming", "client_streaming"],
  ["ServerStreaming", "server_streaming"],
  ["BidiStreaming", "bidi_streaming"],
])("knows which kind of call %s is", (method, kind) => {
  expect(methodContract(`/bookmesh.testing.v1.EchoService/${method}`).kind).toBe(kind);
});

test("has a contract that can be obeyed for every method of the repository", () => {
  const methods = [...contracts].filter((type) => type.kind === "service").flatMap((service) => service.methods);

  expect(allContracts()).toHaveLength(methods.length);
  for (const { path, infrastructure, callers, defaultDeadlineMs } of allContracts()) {
    expect([path, callers.length > 0, defaultDeadlineMs > 0]).toEqual([path, true, true]);
    expect([path, infrastructure]).toEqual([path, /^\/grpc\.(health|reflection)\./.test(path)]);
  }
});

test("names every field of the repository as the generated code does", async () => {
  for (const file of contracts.files) {
    if (!/^(bookstore|mesh|bookmesh|recommendations)\b/.test(file.name)) continue;
    const generated = await import(`../gen/${file.name}.ts`);
    for (const message of [...nestedTypes(file)].filter((type) => type.kind === "message")) {
      const name = message.typeName.slice(file.proto.package === "" ? 0 : file.proto.package.length + 1).replaceAll(".", "_");
      expect([name, Object.keys(generated[name].fromPartial({})).sort()]).toEqual([name, propertiesOf(message)]);
    }
  }
});

function contractOf(policy?: JsonObject, idempotencyLevel?: Idempotency) {
  const registry = registryOf({ ...(policy && { policy }), ...(idempotencyLevel && { idempotencyLevel }) });
  return serviceContractIn(registry, LONE_SERVICE).get(LONE_METHOD);
}

function retry(maxAttempts: number): JsonObject {
  return { maxAttempts, initialBackoff: "0.1s", maxBackoff: "1s" };
}

function propertiesOf(message: DescMessage): string[] {
  const fields = message.fields.filter(({ oneof }) => oneof === undefined);
  return [...fields, ...message.oneofs].map(({ localName }) => localName).sort();
}
