import { create, createFileRegistry, type FileRegistry, fromJson, type JsonValue, setExtension } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorSetSchema,
  type MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { contracts } from "../../runtime/contracts.ts";

/** "/package.Service/Method" of the only method of registryOf(). */
export const LONE_SERVICE = "lone.v1.LoneService";
export const LONE_METHOD = `/${LONE_SERVICE}/Call`;

/**
 * All contracts of the repository and one more service with one method.
 *
 * @param options.policy the policy of the method as JSON; undefined for none.
 * @param options.field the rules as JSON of the only field of its request, called "value".
 */
export function registryOf(options: {
  policy?: JsonValue;
  idempotencyLevel?: MethodOptions_IdempotencyLevel;
  field?: { type: keyof typeof FieldDescriptorProto_Type; repeated?: boolean; rules?: JsonValue };
}): FileRegistry {
  const methodOptions = create(
    MethodOptionsSchema,
    options.idempotencyLevel ? { idempotencyLevel: options.idempotencyLevel } : {},
  );
  const extension = contracts.getExtension("mesh.policy.v1.method");
  const policy = contracts.getMessage("mesh.policy.v1.MethodPolicy");
  if (extension === undefined || policy === undefined) throw new Error("the policy contract is missing");
  if (options.policy !== undefined) setExtension(methodOptions, extension, fromJson(policy, options.policy));

  const fieldOptions = create(FieldOptionsSchema);
  const fieldExtension = contracts.getExtension("mesh.policy.v1.field");
  const fieldPolicy = contracts.getMessage("mesh.policy.v1.FieldPolicy");
  if (fieldExtension === undefined || fieldPolicy === undefined) throw new Error("the policy contract is missing");
  if (options.field?.rules !== undefined) setExtension(fieldOptions, fieldExtension, fromJson(fieldPolicy, options.field.rules));
  const field = options.field && {
    name: "value",
    jsonName: "value",
    number: 1,
    type: FieldDescriptorProto_Type[options.field.type],
    label: options.field.repeated ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    options: fieldOptions,
  };

  const file = {
    name: "lone/v1/lone_service.proto",
    package: "lone.v1",
    syntax: "proto3",
    dependency: ["mesh/policy/v1/policy.proto"],
    messageType: [{ name: "CallRequest", field: field ? [field] : [] }, { name: "CallResponse" }],
    service: [
      {
        name: "LoneService",
        method: [
          { name: "Call", inputType: ".lone.v1.CallRequest", outputType: ".lone.v1.CallResponse", options: methodOptions },
        ],
      },
    ],
  };
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...[...contracts.files].map(({ proto }) => proto), file] }));
}
