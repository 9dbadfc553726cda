"""A scikit-learn server that takes the arguments of kserve/sklearnserver.

The protocols, V1 and V2, are PyPI's kserve; the package sklearnserver with KServe's own model class is not published there, so this one is
ours: it loads the one model.joblib, .pkl or .pickle of a folder.
"""

import argparse
import pathlib

import joblib
from kserve import Model, ModelServer, logging, model_server
from kserve.utils.utils import get_predict_input, get_predict_response


class SKLearnModel(Model):
    def __init__(self, name, folder):
        super().__init__(name)
        self.folder = pathlib.Path(folder)
        self.model = None

    def load(self):
        files = [file for file in sorted(self.folder.glob("**/*")) if file.suffix in (".joblib", ".pkl", ".pickle")]
        if len(files) != 1:
            raise RuntimeError(f"{self.folder} must have one model file, .joblib, .pkl or .pickle; it has {len(files)}")
        self.model = joblib.load(files[0])
        self.ready = True
        return self.ready

    def predict(self, payload, headers=None):
        result = self.model.predict(get_predict_input(payload))
        return get_predict_response(payload, result, self.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--model_dir", required=True)
    arguments, _ = parser.parse_known_args()
    if arguments.configure_logging:
        logging.configure_logging(arguments.log_config_file)
    model = SKLearnModel(arguments.model_name, arguments.model_dir)
    model.load()
    ModelServer().start([model])
