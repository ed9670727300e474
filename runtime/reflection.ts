import { type DescFile, type FileRegistry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Status } from "nice-grpc-common";
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionServiceImplementation,
} from "../gen/grpc/reflection/v1/reflection.ts";
import { contracts } from "./contracts.ts";

type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;
type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;

/**
 * Implements grpc.reflection.v1.ServerReflection, and v1alpha, whose messages
 * are the same.
 *
 * Ours, because the libraries at hand cannot serve a service that has no
 * package, which the tutorial's contract asks for.
 *
 * @param services the full names of the services that the server has.
 */
export function reflectionHandler(services: readonly string[]): ServerReflectionServiceImplementation {
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request.messageRequest, services),
        };
      }
    },
  };
}

function answer(question: Question | undefined, services: readonly string[]): Answer {
  switch (question?.$case) {
    case "listServices":
      return { $case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    case "fileByFilename":
      return file(contracts.getFile(question.value), question.value);
    case "fileContainingSymbol":
      return file(fileOfSymbol(contracts, question.value), question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const extension = extensionsOf(containingType).find(({ number }) => number === extensionNumber);
      return file(extension?.file, `extension ${extensionNumber} of ${containingType}`);
    }
    case "allExtensionNumbersOfType": {
      if (contracts.getMessage(question.value) === undefined) return notFound(question.value);
      const extensionNumber = extensionsOf(question.value).map(({ number }) => number);
      return { $case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } };
    }
    default:
      return { $case: "errorResponse", value: { errorCode: Status.INVALID_ARGUMENT, errorMessage: "no question" } };
  }
}

function extensionsOf(typeName: string) {
  return [...contracts].filter((type) => type.kind === "extension").filter(({ extendee }) => extendee.typeName === typeName);
}

/** The file that declares a type, a service or extension, or one of their members. */
function fileOfSymbol(registry: FileRegistry, symbol: string): DescFile | undefined {
  const type = registry.get(symbol);
  if (type !== undefined) return type.file;
  const dot = symbol.lastIndexOf(".");
  if (dot < 0) return undefined;
  const parent = registry.get(symbol.slice(0, dot));
  return parent !== undefined && membersOf(parent).includes(symbol.slice(dot + 1)) ? parent.file : undefined;
}

function membersOf(type: NonNullable<ReturnType<FileRegistry["get"]>>): string[] {
  switch (type.kind) {
    case "service":
      return type.methods.map(({ name }) => name);
    case "message":
      return [...type.fields, ...type.oneofs].map(({ name }) => name);
    case "enum":
      return type.values.map(({ name }) => name);
    default:
      return [];
  }
}

/** The file with everything that it imports. */
function file(found: DescFile | undefined, asked: string): Answer {
  if (found === undefined) return notFound(asked);
  const files = new Set<DescFile>();
  const visit = (desc: DescFile) => {
    if (files.has(desc)) return;
    files.add(desc);
    desc.dependencies.forEach(visit);
  };
  visit(found);
  const fileDescriptorProto = [...files].map((desc) => Buffer.from(toBinary(FileDescriptorProtoSchema, desc.proto)));
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(asked: string): Answer {
  return { $case: "errorResponse", value: { errorCode: Status.NOT_FOUND, errorMessage: `not found: ${asked}` } };
}
