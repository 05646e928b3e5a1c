"""Reads safetensors files of float32 tensors with numpy alone."""

import json

import numpy


def read(path):
    """Name -> float32 array, each a view of the file's bytes."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, and only F32 is read here")
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data, "<f4", (end - begin) // 4, begin)
        tensors[name] = values.reshape(entry["shape"]).copy()
    return tensors
