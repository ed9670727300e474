// What a failed call throws, for those who call.
export { CallFailure } from "../interceptors/client/failure-details.ts";
