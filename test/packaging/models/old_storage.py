"""Runs the storage module of an older kserve release without the rest of that release: old_storage.py MODULE URI FOLDER."""
import importlib.util
import logging
import sys
import types

path, uri, target = sys.argv[1:]
for name, values in {
    "kserve": {"__path__": []},
    "kserve.storage": {"__path__": []},
    "kserve.logging": {"logger": logging.getLogger("storage")},
    "kserve.model_repository": {"MODEL_MOUNT_DIRS": "/mnt/models"},
    "kserve.kfmodel_repository": {"MODEL_MOUNT_DIRS": "/mnt/models"},
}.items():
    module = types.ModuleType(name)
    module.__dict__.update(values)
    sys.modules[name] = module
name = "kserve.storage.storage" if path.endswith("/storage/storage.py") else "kserve.storage"
spec = importlib.util.spec_from_file_location(name, path)
module = importlib.util.module_from_spec(spec)
sys.modules[name] = module
spec.loader.exec_module(module)
module.Storage.download(uri, target)
