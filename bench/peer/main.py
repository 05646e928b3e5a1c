"""PyTorch's side of the benches: one JSON request a line on stdin, its answer on stdout (../protocol.ts).

Needs torch and numpy.
"""

import json
import os
import sys

# What PyTorch prints is not an answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

try:
    import numpy
    import torch
except ImportError as error:
    answers.write(json.dumps({"error": f"{error.name} is not installed for {sys.executable}"}) + "\n")
    sys.exit(3)

import jobs
import whole_training

OPENERS = {**jobs.OPENERS, "whole-training": whole_training.open_whole_training}


class Peer:
    def __init__(self):
        self.jobs = {}
        self.count = 0
        self.compiles = False

    def hello(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(0)
        self.compiles = request["compile"]
        python = ".".join(map(str, sys.version_info[:3]))
        versions = {"torch": torch.__version__, "python": python, "numpy": numpy.__version__}
        return {"versions": versions}

    def open(self, request):
        job, answer = OPENERS[request["job"]["kind"]](request["job"], self.compiles)
        self.count += 1
        self.jobs[self.count] = job
        return {"job": self.count, **answer}

    def run(self, request):
        job = self.jobs[request["job"]]
        return {"seconds": jobs.timed(lambda: job.run(request["iterations"]))}

    def save(self, request):
        self.jobs[request["job"]].save(request["output"])
        return {}

    def close(self, request):
        del self.jobs[request["job"]]
        return {}


def main():
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(peer, request["do"])(request)
        except Exception as error:  # The bench stops with it.
            answer = {"error": f"{type(error).__name__}: {error}".replace("\n", " ")}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
