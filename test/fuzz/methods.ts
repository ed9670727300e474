import type { DescMessage, FileRegistry } from "@bufbuild/protobuf";
import { contracts, type MethodContract, serviceContract } from "../../runtime/contracts.ts";
import { adsContract } from "../../services/registry/xds/contract.ts";
import { REQUEST, requestFields } from "../../services/registry/xds/request-fields.ts";

/** A method that is attacked. */
export interface FuzzMethod {
  readonly contract: MethodContract;
  readonly input: DescMessage;
  /** Where the messages in the input are found. */
  readonly registry: FileRegistry;
}

/** Its servers give whatever they are asked for: that is what they are there for. */
const OBEDIENT = "grpc.testing";

/** Every method of every contract of the repository, and of xDS, whose contract is of others. */
export function allMethods(): FuzzMethod[] {
  const own = [...contracts]
    .filter((type) => type.kind === "service")
    .filter(({ file }) => file.proto.package !== OBEDIENT)
    .flatMap((service) => {
      const compiled = serviceContract(service.typeName);
      return service.methods.map(({ name, input }): FuzzMethod => {
        const contract = compiled.get(`/${service.typeName}/${name}`);
        if (contract === undefined) throw new Error(`no contract for ${service.typeName}/${name}`);
        return { contract, input, registry: contracts };
      });
    });
  const input = requestFields.getMessage(REQUEST);
  if (input === undefined) throw new Error("no contract for xDS");
  return [...own, { contract: adsContract, input, registry: requestFields }];
}
