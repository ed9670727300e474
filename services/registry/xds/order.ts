/** Sorts strings by their UTF-16 units: the same in every place and language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
