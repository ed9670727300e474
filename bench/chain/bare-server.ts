import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { RecommendRequest, RecommendResponse } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { ANSWER, PATH } from "./call.ts";
import { reportToParent } from "./server-process.ts";

// grpc-js with its default options, and nothing around it.

const server = new Server();
server.addService(
  {
    recommend: {
      path: PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: (request: RecommendRequest) => Buffer.from(RecommendRequest.encode(request).finish()),
      requestDeserialize: RecommendRequest.decode,
      responseSerialize: (response: RecommendResponse) => Buffer.from(RecommendResponse.encode(response).finish()),
      responseDeserialize: RecommendResponse.decode,
    },
  },
  {
    recommend(_call: ServerUnaryCall<RecommendRequest, RecommendResponse>, callback: sendUnaryData<RecommendResponse>) {
      callback(null, ANSWER);
    },
  },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  reportToParent(port);
});
