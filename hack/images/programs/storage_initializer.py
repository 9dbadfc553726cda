"""KServe's storage initializer: SOURCE FOLDER [SOURCE FOLDER ...]. The downloading is PyPI's kserve-storage, as in KServe's own image."""

import sys

from kserve_storage import Storage

arguments = sys.argv[1:]
if not arguments or len(arguments) % 2:
    sys.exit("usage: storage_initializer.py SOURCE FOLDER [SOURCE FOLDER ...]")
Storage.download_files(arguments[0::2], arguments[1::2])
