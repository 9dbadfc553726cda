"""Stands in for PyTorch, so that TorchServe's worker can be imported. There is no tensor in it: a handler that computes with torch fails."""

__version__ = "0"


class Tensor:
    pass


def is_tensor(_):
    return False


class cuda:
    @staticmethod
    def is_available():
        return False


class version:
    hip = None


class backends:
    class mps:
        @staticmethod
        def is_available():
            return False
