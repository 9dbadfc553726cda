/**
 * Little's law, N = X·R, as a ratio that is 1 when throughput, mean latency and mean concurrency were counted over the same time.
 * In a closed loop the deficit is time in which a slot was empty: the client's own overhead. In an open loop `inFlight` is the mean
 * number of requests outstanding. NaN when nothing was in flight.
 */
export function littleRatio(requestsPerSecond: number, meanLatencyMicroseconds: number, inFlight: number): number {
  return inFlight > 0 ? (requestsPerSecond * meanLatencyMicroseconds) / 1e6 / inFlight : Number.NaN;
}
