import { create, createFileRegistry, type FileRegistry, fromJson } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_struct,
} from "@bufbuild/protobuf/wkt";

type Field = [name: string, number: number, type: string];

const text = (name: string, number: number): Field => [name, number, "TYPE_STRING"];
const texts = (name: string, number: number): Field => [name, number, "repeated TYPE_STRING"];

const PACKAGE = "envoy.service.discovery.v3";

/** Of a request the fields that gRPC clients send: proto-loader hands out no descriptor that is whole. */
const MESSAGES: Readonly<Record<string, readonly Field[]>> = {
  DiscoveryRequest: [
    text("version_info", 1),
    ["node", 2, `.${PACKAGE}.Node`],
    texts("resource_names", 3),
    text("type_url", 4),
    text("response_nonce", 5),
    ["error_detail", 6, `.${PACKAGE}.Status`],
  ],
  Node: [
    text("id", 1),
    text("cluster", 2),
    ["metadata", 3, ".google.protobuf.Struct"],
    ["locality", 4, `.${PACKAGE}.Locality`],
    text("user_agent_name", 6),
    text("user_agent_version", 7),
    texts("client_features", 10),
  ],
  Locality: [text("region", 1), text("zone", 2), text("sub_zone", 3)],
  Status: [["code", 1, "TYPE_INT32"], text("message", 2), ["details", 3, "repeated .google.protobuf.Any"]],
};

/** Where REQUEST is found, and the messages in it. */
export const requestFields: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      file_google_protobuf_any.proto,
      file_google_protobuf_struct.proto,
      fromJson(FileDescriptorProtoSchema, {
        ...{ name: "discovery.proto", package: PACKAGE, syntax: "proto3" },
        dependency: ["google/protobuf/any.proto", "google/protobuf/struct.proto"],
        messageType: Object.entries(MESSAGES).map(([name, fields]) => ({ name, field: fields.map(descriptorOf) })),
      }),
    ],
  }),
);

export const REQUEST = "envoy.service.discovery.v3.DiscoveryRequest";

function descriptorOf([name, number, type]: Field) {
  const single = type.replace("repeated ", "");
  const label = single === type ? "LABEL_OPTIONAL" : "LABEL_REPEATED";
  return { name, number, label, ...(single.startsWith(".") ? { type: "TYPE_MESSAGE", typeName: single } : { type: single }) };
}
