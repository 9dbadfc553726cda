"""What KServe's TorchServe image does with its arguments: TorchServe, and before it on port 8080 a server that hands KServe's V1 on.

TorchServe is the real one, PyPI's torchserve. The server before it is ours, because KServe's wrapper is in no package; unlike that one it
does not listen before every model of config.properties has a worker that is ready.
"""

import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

WRAPPER_PORT = 8080


def properties(arguments):
    """The settings that TorchServe is started with, from --ts-config=FILE or --ts-config FILE."""
    text = "\n".join(arguments).replace("--ts-config\n", "--ts-config=")
    files = [line.split("=", 1)[1] for line in text.split("\n") if line.startswith("--ts-config=")]
    with open(files[0], encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def ask(address, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.getheader("content-type", "application/json"), response.read()
    finally:
        connection.close()


def has_ready_worker(management, model):
    try:
        status, _, body = ask(management, "GET", f"/models/{model}")
        return status == 200 and any(worker["status"] == "READY" for worker in json.loads(body)[0]["workers"])
    except OSError:
        return False


def handler(inference):
    class Forward(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                status, kind, answer = ask(inference, self.command, self.path, body, {"content-type": "application/json"})
            except OSError as error:
                status, kind, answer = 503, "application/json", json.dumps({"error": str(error)}).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = forward

        def log_message(self, *_):
            pass

    return Forward


def address(value):
    return value.split("://", 1)[1].replace("0.0.0.0", "127.0.0.1").rstrip("/")


def main(arguments):
    if arguments[:1] == ["torchserve"]:
        arguments = arguments[1:]
    settings = properties(arguments)
    models = list(json.loads(settings.get("model_snapshot", "{}")).get("models", {}))
    start = [sys.executable, "-c", "from ts.model_server import start; start()", *arguments, "--foreground"]
    torchserve = subprocess.Popen(start, cwd=os.environ.get("TEMP", "/tmp"), start_new_session=True)

    def stop(*_):
        os.killpg(torchserve.pid, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    management = address(settings["management_address"])
    while torchserve.poll() is None and not all(has_ready_worker(management, model) for model in models):
        time.sleep(0.5)
    if torchserve.poll() is None:
        server = http.server.ThreadingHTTPServer(("0.0.0.0", WRAPPER_PORT), handler(address(settings["inference_address"])))
        print(f"forwarding port {WRAPPER_PORT} to TorchServe for {', '.join(models)}", flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    # TorchServe's own code says nothing of how its Java program ended.
    torchserve.wait()
    sys.exit("TorchServe has ended")


if __name__ == "__main__":
    main(sys.argv[1:])
