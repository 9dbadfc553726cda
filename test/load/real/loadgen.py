"""Runs MLPerf LoadGen against a system with seeded latencies and prints what it says about them, with every latency it recorded, as JSON.

usage: loadgen.py SCENARIO QUERIES FOLDER
"""
import json
import os
import random
import sys
import threading
import time

import mlperf_loadgen as lg

scenario, queries, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = random.Random(7)


def issue(samples):
    # A tail like a server's: mostly 200 us, sometimes ten times that.
    time.sleep(0.0002 * (10 if rng.random() < 0.05 else 1))
    lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0) for sample in samples])


settings = lg.TestSettings()
settings.scenario = getattr(lg.TestScenario, scenario)
settings.mode = lg.TestMode.PerformanceOnly
settings.min_duration_ms = 0
settings.min_query_count = queries
settings.max_query_count = queries
settings.multi_stream_samples_per_query = 8
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
with open(os.path.join(folder, "mlperf_log_trace.json")) as file:
    latencies = {}
    for line in file:
        if '"name":"Sample"' in line and '"ph":"b"' in line:
            arguments = json.loads(line.rstrip().rstrip(","))["args"]
            query = arguments["query_seq"]
            latencies[query] = max(latencies.get(query, 0), arguments["complete_ns"])
print(json.dumps({"summary": summary, "latencies": list(latencies.values())}))
