"""Runs MLPerf LoadGen against a system with seeded latencies and prints what it says about them, with every latency it recorded and the time
between the first and the last scheduled query (Server) or until the last was complete, as JSON.

usage: loadgen.py SCENARIO QUERIES FOLDER [SLOW_SHARE [MIN_DURATION_MS]]

Most queries take 200 us and a share of them ten times that, or, where the share is given, 50 times. Server: 500 queries a second within 5 ms.
"""
import json
import os
import random
import sys
import time

import mlperf_loadgen as lg

scenario, queries, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
slow_share = float(sys.argv[4]) if len(sys.argv) > 4 else 0.05
slow_factor = 50 if len(sys.argv) > 4 else 10
rng = random.Random(7)


def issue(samples):
    time.sleep(0.0002 * (slow_factor if rng.random() < slow_share else 1))
    lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0) for sample in samples])


settings = lg.TestSettings()
settings.scenario = getattr(lg.TestScenario, scenario)
settings.mode = lg.TestMode.PerformanceOnly
settings.min_duration_ms = int(sys.argv[5]) if len(sys.argv) > 5 else 0
settings.min_query_count = queries
settings.max_query_count = queries
settings.multi_stream_samples_per_query = 8
settings.server_target_qps = 500
settings.server_target_latency_ns = 5_000_000
settings.offline_expected_qps = 500
log = lg.LogSettings()
log.enable_trace = True
output = lg.LogOutputSettings()
output.outdir = folder
log.log_output = output

sut = lg.ConstructSUT(issue, lambda: None)
qsl = lg.ConstructQSL(64, 64, lambda _: None, lambda _: None)
lg.StartTestWithLogSettings(sut, qsl, settings, log)
lg.DestroyQSL(qsl)
lg.DestroySUT(sut)

with open(os.path.join(folder, "mlperf_log_summary.txt")) as file:
    summary = file.read()
latencies, scheduled = {}, []
with open(os.path.join(folder, "mlperf_log_trace.json")) as file:
    for line in file:
        if '"name":"Sample"' in line and '"ph":"b"' in line:
            event = json.loads(line.rstrip().rstrip(","))
            query = event["args"]["query_seq"]
            latencies[query] = max(latencies.get(query, 0), event["args"]["complete_ns"])
            scheduled.append(event["ts"])
seconds = (max(scheduled) - min(scheduled)) / 1e6 if scenario == "Server" else max(latencies.values()) / 1e9
print(json.dumps({"summary": summary, "latencies": list(latencies.values()), "seconds": seconds}))
