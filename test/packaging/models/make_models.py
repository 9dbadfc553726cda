"""Makes small real models for the tests: make_models.py FOLDER. Needs scikit-learn, joblib, onnx and torch-model-archiver."""
import os
import subprocess
import sys

import joblib
import onnx
from onnx import TensorProto, helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

root = sys.argv[1]
os.makedirs(root, exist_ok=True)

iris = load_iris()
os.makedirs(f"{root}/sklearn", exist_ok=True)
joblib.dump(LogisticRegression(max_iter=500).fit(iris.data, iris.target), f"{root}/sklearn/model.joblib")

weights = helper.make_tensor("W", TensorProto.FLOAT, [4, 3], [0.1 * n for n in range(12)])
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "W"], ["y"])],
    "linear",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
    [weights],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
os.makedirs(f"{root}/onnx", exist_ok=True)
onnx.save(model, f"{root}/onnx/linear.onnx")

os.makedirs(f"{root}/mar", exist_ok=True)
with open(f"{root}/handler.py", "w") as file:
    file.write(
        '''class Handler:
    def initialize(self, context):
        self.initialized = True

    def handle(self, data, context):
        rows = []
        for request in data:
            body = request.get("body") or request.get("data") or request
            rows.append([value * 2 for value in body] if isinstance(body, list) else body)
        return rows


service = Handler()


def initialize(context):
    service.initialize(context)


def handle(data, context):
    return service.handle(data, context) if data is not None else None
'''
    )
for name in ("double", "twice"):
    subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "torch-model-archiver"), "--model-name", name, "--version", "1.0",
         "--handler", f"{root}/handler.py", "--export-path", f"{root}/mar", "--force"],
        check=True,
    )
