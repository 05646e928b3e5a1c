"""Reads and writes safetensors files of float32 tensors with numpy alone."""

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


def write(path, tensors):
    """Writes name -> float32 array."""
    header, end = {}, 0
    for name, values in tensors.items():
        begin, end = end, end + 4 * values.size
        shape = list(values.shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for values in tensors.values():
            file.write(values.astype("<f4").tobytes())
